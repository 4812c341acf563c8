import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ApiDependencies } from '../dependencies.ts';
import { ApiError } from '../errors.ts';
import type { App } from './route.ts';

/** Media types of the files a page is made of; other files in the folder are not served. */
const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};
const MAX_PAGE_BYTES = 16 * 1024 * 1024;

interface PageFile {
  readonly mediaType: string;
  readonly content: Buffer;
  readonly etag: string;
}

/**
 * The page at `/`, its files under `/page/`, and the API's description at `/openapi.json`. All are read once and served
 * from memory by their exact name, so that no path a caller writes ever reaches the file system.
 */
export function addPage(app: App, { pageFolder }: ApiDependencies): void {
  const files = readPage(pageFolder);

  app.get('/', { schema: { hide: true } }, async (request, reply) => sendFile(files.get('index.html'), request, reply));

  app.get<{ Params: { file: string } }>('/page/:file', { schema: { hide: true } }, async (request, reply) =>
    sendFile(files.get(request.params.file), request, reply),
  );

  let description: PageFile | undefined;
  app.get('/openapi.json', { schema: { hide: true } }, async (request, reply) => {
    description ??= pageFile('application/json; charset=utf-8', Buffer.from(JSON.stringify(app.swagger())));
    return sendFile(description, request, reply);
  });
}

function sendFile(file: PageFile | undefined, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (file === undefined) throw new ApiError('not-found', 'nothing is found at this path');
  // the name stays the same from one version to the next, so the browser has to ask each time
  void reply.headers({ etag: file.etag, 'cache-control': 'no-cache' });
  if (request.headers['if-none-match'] === file.etag) return reply.code(304).send();
  return reply.type(file.mediaType).send(file.content);
}

function readPage(folder: string): ReadonlyMap<string, PageFile> {
  const files = new Map<string, PageFile>();
  let total = 0;
  for (const name of readdirSync(folder)) {
    const mediaType = MEDIA_TYPES[extname(name)];
    if (mediaType === undefined) continue;
    const content = readFileSync(join(folder, name));
    total += content.length;
    if (total > MAX_PAGE_BYTES) throw new RangeError(`the page in ${folder} is larger than ${MAX_PAGE_BYTES} bytes`);
    files.set(name, pageFile(mediaType, content));
  }
  return files;
}

function pageFile(mediaType: string, content: Buffer): PageFile {
  const etag = `"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`;
  return { mediaType, content, etag };
}
