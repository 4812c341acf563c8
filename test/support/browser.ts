import { rmSync } from 'node:fs';
import { temporaryFolder } from './folder.ts';
import { Program } from './program.ts';

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--remote-debugging-port=0',
  'about:blank',
];

/** How a page is looked at. */
export interface Look {
  readonly width: number;
  readonly language: 'zh-CN' | 'en-US';
  readonly scheme: 'light' | 'dark';
}

interface Message {
  readonly id?: number;
  readonly sessionId?: string;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

/** Chromium without a window, steered over its DevTools protocol. Disposing of it ends it. */
export class Browser {
  readonly #program: Program;
  readonly #folder: { readonly path: string; [Symbol.dispose](): void };
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (message: Message) => void>();
  readonly #tabs = new Map<string, Tab>();
  #lastId = 0;

  private constructor(
    program: Program,
    folder: { readonly path: string; [Symbol.dispose](): void },
    socket: WebSocket,
  ) {
    this.#program = program;
    this.#folder = folder;
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => this.#take(JSON.parse(String(data)) as Message));
  }

  /** Rejects with how to install Chromium where there is none. */
  static async start(): Promise<Browser> {
    const folder = temporaryFolder();
    const program = new Program('chromium', [`--user-data-dir=${folder.path}`, ...FLAGS]);
    try {
      const [, url = ''] = await program.says(/DevTools listening on (\S+)/);
      const socket = new WebSocket(url);
      await new Promise((resolve, reject) => {
        socket.addEventListener('open', resolve, { once: true });
        socket.addEventListener('error', () => reject(new Error('Chromium took no connection')), { once: true });
      });
      return new Browser(program, folder, socket);
    } catch (error) {
      await program[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
      throw new Error('Chromium did not start; on Debian, install it with: apt-get install chromium', { cause: error });
    }
  }

  /** Opens a page in a profile of its own. */
  async open(url: string, look: Look): Promise<Tab> {
    const { browserContextId } = await this.send<{ browserContextId: string }>('Target.createBrowserContext');
    const { targetId } = await this.send<{ targetId: string }>('Target.createTarget', {
      url: 'about:blank',
      browserContextId,
    });
    const { sessionId } = await this.send<{ sessionId: string }>('Target.attachToTarget', { targetId, flatten: true });
    const tab = new Tab(this, sessionId);
    this.#tabs.set(sessionId, tab);
    await tab.show(url, look);
    return tab;
  }

  send<T>(method: string, params: object = {}, sessionId?: string): Promise<T> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ result, error }) => {
        if (error === undefined) resolve(result as T);
        else reject(new Error(`${method}: ${error.message}`));
      });
      this.#socket.send(JSON.stringify({ id, method, params, sessionId }));
    });
  }

  #take(message: Message): void {
    if (message.id === undefined) {
      this.#tabs.get(message.sessionId ?? '')?.hear(message.method ?? '', message.params);
      return;
    }
    this.#waiting.get(message.id)?.(message);
    this.#waiting.delete(message.id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await this.#program[Symbol.asyncDispose]();
    // its own children may still write for a moment
    rmSync(this.#folder.path, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

/** One page, and everything it complained of: exceptions, refused resources, breaches of its policy. */
export class Tab {
  readonly complaints: string[] = [];
  readonly #browser: Browser;
  readonly #sessionId: string;

  constructor(browser: Browser, sessionId: string) {
    this.#browser = browser;
    this.#sessionId = sessionId;
  }

  async show(url: string, { width, language, scheme }: Look): Promise<void> {
    for (const domain of ['Page', 'Log', 'Runtime']) await this.#send(`${domain}.enable`);
    await this.#send('Emulation.setDeviceMetricsOverride', {
      width,
      height: 900,
      deviceScaleFactor: 1,
      mobile: width < 700,
    });
    await this.#send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
    await this.#send('Network.setUserAgentOverride', { userAgent: 'test', acceptLanguage: language });
    await this.#send('Page.navigate', { url });
  }

  /** The value of an expression in the page. */
  async value<T>(expression: string): Promise<T> {
    const { result } = await this.#send<{ result: { value: T } }>('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    return result.value;
  }

  /** The text that can be seen in the first element a selector finds; empty where there is none. */
  text(selector: string): Promise<string> {
    return this.value(`document.querySelector(${JSON.stringify(selector)})?.innerText ?? ''`);
  }

  hear(method: string, params: unknown): void {
    if (method === 'Runtime.exceptionThrown' || method === 'Log.entryAdded')
      this.complaints.push(JSON.stringify(params));
  }

  #send<T>(method: string, params: object = {}): Promise<T> {
    return this.#browser.send<T>(method, params, this.#sessionId);
  }
}
