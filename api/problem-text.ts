import type { ApiErrorCode } from './errors.ts';
import type { Language } from './language.ts';

/** What a kind of problem is called, and what a person should do next. */
export interface ProblemText {
  readonly title: string;
  readonly hint: string;
}

/** Titles and hints of all problems in both languages; the one place to change their wording. */
export const PROBLEM_TEXT: Readonly<Record<ApiErrorCode, Readonly<Record<Language, ProblemText>>>> = {
  'invalid-request': {
    en: { title: 'Invalid request', hint: 'Mend the fields named under errors; /docs describes every parameter.' },
    'zh-CN': { title: '请求无效', hint: '请按 errors 中列出的字段修改；各参数的说明见 /docs。' },
  },
  unauthenticated: {
    en: {
      title: 'A valid token is needed',
      hint: 'Send the header "Authorization: Bearer <token>". An operator makes tokens with "rollcall token create".',
    },
    'zh-CN': {
      title: '需要有效的令牌',
      hint: '请携带请求头“Authorization: Bearer <令牌>”。令牌由操作员用 rollcall token create 生成。',
    },
  },
  forbidden: {
    en: { title: 'Not allowed for this role', hint: 'Ask an operator for a token with a role that may do this.' },
    'zh-CN': { title: '当前角色无此权限', hint: '请向操作员申请具有相应角色的令牌。' },
  },
  'not-found': {
    en: { title: 'Not found', hint: 'Check the path and the id; /docs lists every path.' },
    'zh-CN': { title: '未找到', hint: '请检查路径和编号；全部路径见 /docs。' },
  },
  'method-not-allowed': {
    en: { title: 'Method not allowed', hint: 'Use one of the methods in the Allow header.' },
    'zh-CN': { title: '不支持该请求方法', hint: '请使用 Allow 响应头中列出的方法。' },
  },
  'request-timeout': {
    en: { title: 'The request came too slowly', hint: 'Send the whole request at once, or check the network.' },
    'zh-CN': { title: '请求接收超时', hint: '请一次发送完整请求，或检查网络。' },
  },
  'body-too-large': {
    en: { title: 'Request body too large', hint: 'Send less at a time.' },
    'zh-CN': { title: '请求体过大', hint: '请分批发送。' },
  },
  'url-too-long': {
    en: { title: 'Address too long', hint: 'Shorten the path or the query.' },
    'zh-CN': { title: '请求地址过长', hint: '请缩短路径或查询参数。' },
  },
  'unsupported-media-type': {
    en: { title: 'Media type not supported', hint: 'Send JSON with "Content-Type: application/json".' },
    'zh-CN': { title: '不支持的内容类型', hint: '请以“Content-Type: application/json”发送 JSON。' },
  },
  'too-many-requests': {
    en: { title: 'Too many requests', hint: 'Wait for the seconds named by Retry-After, then go on more slowly.' },
    'zh-CN': { title: '请求过于频繁', hint: '请等待 Retry-After 所示的秒数后再以较低频率继续。' },
  },
  'headers-too-large': {
    en: { title: 'Request headers too large', hint: 'Send fewer or shorter headers.' },
    'zh-CN': { title: '请求头过大', hint: '请减少或缩短请求头。' },
  },
  internal: {
    en: { title: 'Internal error', hint: 'Try again; if it stays, look for the request id of this answer in the log.' },
    'zh-CN': { title: '内部错误', hint: '请重试；如仍出现，请用本响应中的请求编号在日志中查找原因。' },
  },
  'not-ready': {
    en: { title: 'Not ready', hint: 'Wait, or mend what the reasons name.' },
    'zh-CN': { title: '尚未就绪', hint: '请稍候，或处理 reasons 中列出的问题。' },
  },
  unavailable: {
    en: { title: 'Temporarily unavailable', hint: 'Try again in a moment; if it stays, look into the log.' },
    'zh-CN': { title: '暂时不可用', hint: '请稍后重试；如仍出现，请查看日志。' },
  },
};
