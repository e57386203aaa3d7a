/**
 * Property values in the form in which Pulumi's protocol and its state file carry them: JSON with signed objects for
 * secrets, assets, archives and resource references, and one reserved string for what a preview cannot know yet.
 * Source: sdk/go/common/resource/plugin/rpc.go and sdk/go/common/resource/sig of github.com/pulumi/pulumi.
 */
export type Value = null | boolean | number | string | Value[] | { [key: string]: Value };
export type Properties = { [key: string]: Value };

export const SIGNATURE = "4dabf18193072939515e22adb298388d";
export const SECRET = "1b47061264138c4ac30d75fd1eb44270";
export const ASSET = "c44067f5952c0a294b673a41bacd8c17";
export const ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7";
const RESOURCE = "5cf8f73096256a8f31e491e813e4eb8e";
/** What a preview answers for a string that only the provider will know; other types are not distinguished here. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
/** An object with a signature; required, so that not being one does not make a value any less an object. */
type Signed = Properties & { [SIGNATURE]: Value };
const UNKNOWNS: ReadonlySet<string> = new Set([
  UNKNOWN,
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
]);

export const isObject = (value: Value | undefined): value is Properties =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const signature = (value: Value | undefined): Value | undefined => (isObject(value) ? value[SIGNATURE] : undefined);
export const isUnknown = (value: Value | undefined): boolean => typeof value === "string" && UNKNOWNS.has(value);
export const isSecret = (value: Value | undefined): value is Signed => signature(value) === SECRET;
export const isAsset = (value: Value | undefined): value is Signed => {
  const sign = signature(value);
  return sign === ASSET || sign === ARCHIVE;
};
export const secret = (value: Value): Value => (isSecret(value) ? value : { [SIGNATURE]: SECRET, value });

/** A scalar as text; anything else has no text of its own. */
export const text = (value: Value | undefined): string =>
  typeof value === "object" || value === undefined ? "" : String(value);

/** Rebuilds a value bottom-up; `change` sees each inner value after its children. */
export function mapValue(value: Value, change: (inner: Value) => Value): Value {
  if (Array.isArray(value)) return change(value.map((item) => mapValue(item, change)));
  if (!isObject(value)) return change(value);
  return change(Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapValue(item, change)])));
}

/** True if the value or anything inside it satisfies the test. */
export function anywhere(value: Value | undefined, test: (inner: Value) => boolean): boolean {
  if (value === undefined) return false;
  if (test(value)) return true;
  if (Array.isArray(value)) return value.some((item) => anywhere(item, test));
  return isObject(value) && Object.values(value).some((item) => anywhere(item, test));
}

export const hasUnknowns = (value: Value | undefined): boolean => anywhere(value, isUnknown);

/** The value as a provider sees it: secrets opened, references to resources replaced by their id (or URN). */
export function plain<T extends Value>(value: T): T {
  return mapValue(value, (inner) => {
    if (isSecret(inner)) return inner.value ?? null;
    if (signature(inner) === RESOURCE) return (inner as Properties).id ?? (inner as Properties).urn ?? null;
    return inner;
  }) as T;
}

/** The value as a person may see it. */
export const masked = (value: Value): Value => mapValue(value, (inner) => (isSecret(inner) ? "[secret]" : inner));

/** Equality of values; assets and archives are equal when their content is. */
export function equal(a: Value | undefined, b: Value | undefined): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, i) => equal(item, b[i]));
  if (!isObject(a) || !isObject(b)) return false;
  if (isAsset(a) && isAsset(b) && a.hash) return a.hash === b.hash && a[SIGNATURE] === b[SIGNATURE];
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].every((key) => equal(a[key], b[key]));
}

/** Marks as secret what was secret at the same place before a provider without secrets handled it. */
export function annotate(value: Value, like: Value | undefined): Value {
  if (like === undefined || isSecret(value)) return value;
  if (isSecret(like)) return secret(value);
  if (Array.isArray(value) && Array.isArray(like)) return value.map((item, i) => annotate(item, like[i]));
  if (!isObject(value) || !isObject(like) || isAsset(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, annotate(item, like[key])]));
}

/** Splits a property path such as `a.b[0]["x.y"]` or `rules[*].age`; throws on a malformed one. */
export function parsePath(path: string): (string | number)[] {
  const parts: (string | number)[] = [];
  const token = /\.?([^.[\]"]+)|\[(\d+)\]|\[\*\]|\["((?:[^"\\]|\\.)*)"\]/y;
  while (token.lastIndex < path.length) {
    const at = token.lastIndex;
    const match = token.exec(path);
    if (!match)
      throw new Error(`property path "${path}": unexpected "${path.slice(at)}"; expected name, [0], [*] or ["name"]`);
    if (match[2] !== undefined) parts.push(Number(match[2]));
    else parts.push(match[1] ?? match[3]?.replace(/\\(.)/g, "$1") ?? "*");
  }
  return parts;
}

export const formatPath = (parts: readonly (string | number)[]): string =>
  parts.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    if (!/^[\w$-]+$/.test(part)) return `${text}[${JSON.stringify(part)}]`;
    return text === "" ? part : `${text}.${part}`;
  }, "");

/** True if `path` is at or below `pattern` (`*` stands for any part). */
export const covers = (pattern: readonly (string | number)[], path: readonly (string | number)[]): boolean =>
  pattern.length <= path.length && pattern.every((part, i) => part === "*" || part === path[i]);

/** `news` with the value of `olds` at `path`; a path absent on either side is left as the engine leaves it. */
export function reset(olds: Value | undefined, news: Value, path: readonly (string | number)[]): Value {
  const [head, ...rest] = path;
  if (head === undefined) return olds ?? news;
  if (isSecret(news)) return secret(reset(isSecret(olds) ? olds.value : olds, news.value ?? null, path));
  const old = isSecret(olds) ? olds.value : olds;
  if (head === "*") {
    const keys: (string | number)[] = Array.isArray(news) ? [...news.keys()] : isObject(news) ? Object.keys(news) : [];
    return keys.reduce<Value>((value, key) => reset(old, value, [key, ...rest]), news);
  }
  if (Array.isArray(news) && typeof head === "number") {
    if (!Array.isArray(old) || head >= old.length || head >= news.length) return news;
    return news.map((item, i) => (i === head ? reset(old[i], item, rest) : item));
  }
  if (!isObject(news) || !isObject(old)) return news;
  const present: Value | undefined = news[head];
  const others = Object.fromEntries(Object.entries(news).filter(([key]) => key !== String(head)));
  const before: Value | undefined = old[head];
  if (rest.length === 0) return before === undefined ? others : { ...others, [head]: before };
  return present === undefined ? news : { ...others, [head]: reset(before, present, rest) };
}

/** What stands at `path`, as a person may see it: `[secret]` at and below a secret. */
export function peek(value: Value | undefined, path: readonly (string | number)[]): Value | undefined {
  if (isSecret(value)) return "[secret]";
  const [head, ...rest] = path;
  if (head === undefined) return value === undefined ? undefined : masked(value);
  if (Array.isArray(value)) return peek(value[Number(head)], rest);
  return isObject(value) ? peek(value[head], rest) : undefined;
}
