/**
 * Topic templates: `plants/{enterprise}/{site}/{device}/telemetry`. A level is either text or one variable in braces.
 * The address of a device is the values of the variables, in order, joined with `/`.
 */
export interface TopicTemplate {
  /** Text levels as they are, variables as `+` (MQTT 5.0, 4.7.1.3). */
  readonly filter: string;
  readonly levels: readonly string[];
  /** Places of the variables among the levels. */
  readonly variableAt: readonly number[];
  readonly variables: readonly string[];
}

const VARIABLE = /^\{([A-Za-z][A-Za-z0-9_]*)\}$/;
const MAX_TOPIC_BYTES = 65_535;

/** The template, or in words why it is none. */
export function parseTemplate(text: string): TopicTemplate | string {
  if (text === '' || Buffer.byteLength(text) > MAX_TOPIC_BYTES) return 'a topic template has 1 to 65,535 bytes';
  const levels = text.split('/');
  const variableAt: number[] = [];
  const variables: string[] = [];
  for (const [place, level] of levels.entries()) {
    const name = VARIABLE.exec(level)?.[1];
    if (name !== undefined) {
      if (variables.includes(name)) return `the variable {${name}} stands in the template twice`;
      variables.push(name);
      variableAt.push(place);
    } else if (/[{}+#\0]/.test(level))
      return `the level "${level}" must be plain text or one variable such as {device}`;
  }
  if (variables.length === 0) return 'a template names at least one variable, such as {device}';
  if (levels[0]?.startsWith('$')) return 'topics that begin with $ belong to the broker';
  return {
    filter: levels.map((level) => (VARIABLE.test(level) ? '+' : level)).join('/'),
    levels,
    variableAt,
    variables,
  };
}

/** The address that a topic names under a template; undefined when the topic does not match, or a variable is empty. */
export function addressOf(template: TopicTemplate, topic: string): string | undefined {
  const levels = topic.split('/');
  if (levels.length !== template.levels.length) return undefined;
  let address = '';
  let nextVariable = 0;
  for (const [place, level] of levels.entries()) {
    if (template.variableAt[nextVariable] === place) {
      if (level === '') return undefined;
      address = nextVariable === 0 ? level : `${address}/${level}`;
      nextVariable += 1;
    } else if (template.levels[place] !== level) return undefined;
  }
  return address;
}

/** True when some topic matches both templates. */
export function templatesOverlap(a: string, b: string): boolean {
  const [first, second] = [parseTemplate(a), parseTemplate(b)];
  if (typeof first === 'string' || typeof second === 'string' || first.levels.length !== second.levels.length)
    return false;
  return first.levels.every((level, place) => {
    const other = second.levels[place] ?? '';
    return level === other || VARIABLE.test(level) || VARIABLE.test(other);
  });
}
