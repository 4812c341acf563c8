import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiUnderTest, apiUnderTest } from '../support/api.ts';
import { Browser, type Look, type Tab } from '../support/browser.ts';
import { until } from '../support/wait.ts';

const DESK: Look = { width: 1440, language: 'zh-CN', scheme: 'light' };

let browser: Browser;
beforeAll(async () => {
  browser = await Browser.start();
});
afterAll(async () => {
  await browser[Symbol.asyncDispose]();
});

async function listening(t: ApiUnderTest): Promise<string> {
  return t.api.listen({ host: '127.0.0.1', port: 0 });
}

/** Follows the printed link and waits for the numbers. */
async function board(url: string, token: string, look: Look): Promise<Tab> {
  const tab = await browser.open(`${url}/#token=${token}`, look);
  await until('the numbers', async () => (await tab.text('#total-verified')) === '10,984');
  return tab;
}

describe('the page in Chromium', () => {
  test.each<Look>([
    { width: 360, language: 'en-US', scheme: 'light' },
    { width: 390, language: 'zh-CN', scheme: 'dark' },
    { width: 1440, language: 'en-US', scheme: 'dark' },
    { width: 1920, language: 'zh-CN', scheme: 'light' },
  ])('fits $width px in $language without a complaint', async (look) => {
    await using t = await apiUnderTest();
    t.reading.demo = true;
    const tab = await board(await listening(t), t.bearer.assessor, look);
    await until('the sources', async () => (await tab.text('#sources tr')) !== '');
    expect(await tab.value('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
    expect(await tab.text('#demo-banner')).toContain(look.language === 'zh-CN' ? '模拟设备' : 'simulated');
    expect(await tab.text('#sources tr')).toContain(look.language === 'zh-CN' ? '无法连接' : 'Unreachable');
    expect(await tab.value('document.documentElement.lang')).toBe(look.language === 'zh-CN' ? 'zh-CN' : 'en');
    expect(tab.complaints).toEqual([]);
  });

  test('takes the token out of the address bar and keeps it in this tab alone', async () => {
    await using t = await apiUnderTest();
    const tab = await board(await listening(t), t.bearer.operator, DESK);
    expect(await tab.value('location.hash')).toBe('');
    expect(await tab.value('sessionStorage.getItem("rollcall-token")')).toBe(t.bearer.operator);
    expect(await tab.value('Object.values(localStorage).join()')).not.toContain(t.bearer.operator);
    await tab.value('document.getElementById("sign-out").click()');
    expect(await tab.value('sessionStorage.length')).toBe(0);
    expect(await tab.value('document.getElementById("board").hidden')).toBe(true);
  });

  test('shows a viewer the totals and says what he may not see', async () => {
    await using t = await apiUnderTest();
    const tab = await board(await listening(t), t.bearer.viewer, DESK);
    expect(await tab.text('#viewer-note')).toContain('查看角色');
    expect(await tab.value('document.getElementById("evidence").hidden')).toBe(true);
    expect(tab.complaints).toEqual([]);
  });

  test('refuses a wrong token beside the field', async () => {
    await using t = await apiUnderTest();
    const tab = await browser.open(await listening(t), DESK);
    await until('the form', () => tab.value<boolean>('document.getElementById("login").hidden === false'));
    await tab.value(
      'document.getElementById("token").value = "x".repeat(40); document.querySelector("#login-form button").click()',
    );
    await until('the refusal', async () => (await tab.text('#login-error')) === '令牌无效、已过期或已撤销。');
  });

  test('says since when it is stale, and goes on by itself', async () => {
    await using t = await apiUnderTest();
    const tab = await board(await listening(t), t.bearer.assessor, DESK);
    await tab.value('globalThis.realFetch = fetch; globalThis.fetch = () => Promise.reject(new TypeError("gone"))');
    await until('the warning', async () =>
      (await tab.text('#freshness.stale')).includes('2026年3月2日 09:30:00 起未更新'),
    );
    await tab.value('globalThis.fetch = globalThis.realFetch');
    await until('it to go on', async () => (await tab.text('#freshness')).startsWith('截至'));
  });

  test('signs out when its token is revoked', async () => {
    await using t = await apiUnderTest();
    const tab = await board(await listening(t), t.bearer.viewer, DESK);
    await t.tokens.revoke('tk_viewer', t.clock.atMs);
    t.clock.atMs += 4000;
    await until('the form', async () => (await tab.text('#login-error')).includes('已撤销'));
    expect(await tab.value('sessionStorage.length')).toBe(0);
  });

  test('shows a name that is markup as text', async () => {
    await using t = await apiUnderTest();
    const name = '<img src=x onerror="document.title=1">\u202e';
    t.reading.sourcesKnown = t.reading.sourcesKnown.map((source) => ({ ...source, name }));
    const tab = await board(await listening(t), t.bearer.assessor, DESK);
    await until('the sources', async () => (await tab.text('#sources tr')).includes('<img src=x'));
    expect(await tab.value('document.querySelectorAll("#sources img").length')).toBe(0);
  });

  test('switches language and remembers it', async () => {
    await using t = await apiUnderTest();
    const tab = await board(await listening(t), t.bearer.assessor, DESK);
    await tab.value('document.getElementById("switch-language").click()');
    expect(await tab.text('#categories-title')).toBe('By category');
    await tab.value('location.reload()');
    await until('English again', async () => (await tab.text('#categories-title')) === 'By category');
  });

  test('of the API description loads under its policy', async () => {
    await using t = await apiUnderTest();
    const tab = await browser.open(`${await listening(t)}/docs`, DESK);
    await until('the operations', async () => (await tab.text('.swagger-ui')).includes('/api/v1/counts'));
    expect(tab.complaints).toEqual([]);
  });
});
