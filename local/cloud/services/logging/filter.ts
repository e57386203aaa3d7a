/**
 * Cloud Logging's filters, as far as they compare fields: a text becomes a test of an entry.
 * Source: https://cloud.google.com/logging/docs/view/logging-query-language
 */
import { invalid } from "../../errors";
import type { Json, JsonObject } from "../../service";

export type EntryTest = (entry: JsonObject) => boolean;

/** In the order of their weight. */
const SEVERITIES = ["DEFAULT", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY"];
const TOKEN = /\s*(?:(--[^\n]*)|("(?:[^"\\]|\\.)*")|(=~|!~|!=|>=|<=|[=><:()])|((?:[^\s"=><:()!]|"[^"]*")+)|(\S))/y;
const OPERATORS = ["=", "!=", ">", ">=", "<", "<=", ":", "=~", "!~"];

interface Token {
  text: string;
  quoted: boolean;
  at: number;
}

/** @throws ApiError INVALID_ARGUMENT where the filter is not understood, naming the place */
export function parseFilter(filter: string): EntryTest {
  const tokens = tokensOf(filter);
  return tokens.length === 0 ? () => true : new Parser(tokens).whole();
}

/** NOT binds closest, then OR, then AND, which need not be written. */
class Parser {
  private next = 0;

  constructor(private readonly tokens: readonly Token[]) {}

  whole(): EntryTest {
    const test = this.all();
    return this.next < this.tokens.length ? this.fail() : test;
  }

  /** @param leaf what is joined: comparisons or, in the brackets after an operator, values */
  private all(leaf = () => this.comparison()): EntryTest {
    const tests = [this.any(leaf)];
    while (this.next < this.tokens.length && !this.isWord(")")) {
      this.accept("AND");
      tests.push(this.any(leaf));
    }
    return (entry) => tests.every((test) => test(entry));
  }

  private any(leaf: () => EntryTest): EntryTest {
    const tests = [this.one(leaf)];
    while (this.accept("OR")) tests.push(this.one(leaf));
    return (entry) => tests.some((test) => test(entry));
  }

  private one(leaf: () => EntryTest): EntryTest {
    if (this.accept("NOT")) {
      const test = this.one(leaf);
      return (entry) => !test(entry);
    }
    if (!this.accept("(")) return leaf();
    const test = this.all(leaf);
    return this.accept(")") ? test : this.fail();
  }

  private comparison(): EntryTest {
    const field = this.value(["AND", "OR", ")"]);
    const operator = OPERATORS.find((known) => this.accept(known));
    if (operator === undefined) return (entry) => textsOf(entry).some((text) => includes(text, field));
    const path = segmentsOf(field);
    const compared = (): EntryTest => {
      const test = tester(operator, this.value(["AND", "OR", "(", ")"]));
      return (entry) => test(valueAt(entry, path), path.join("."));
    };
    return this.one(compared);
  }

  /** A text, or a word that has no meaning of its own. */
  private value(reserved: readonly string[]): string {
    const token = this.tokens[this.next];
    if (!token || (!token.quoted && [...OPERATORS, ...reserved].includes(token.text))) return this.fail();
    this.next += 1;
    return token.text;
  }

  private isWord(word: string): boolean {
    const token = this.tokens[this.next];
    return token?.text === word && !token.quoted;
  }

  private accept(word: string): boolean {
    const found = this.isWord(word);
    if (found) this.next += 1;
    return found;
  }

  private fail(): never {
    const token = this.tokens[this.next];
    const place = token ? `at column ${token.at + 1}, token '${token.text}'` : "at its end";
    throw invalid(`Unparseable filter: syntax error ${place}.`);
  }
}

function tokensOf(filter: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  for (let match; TOKEN.lastIndex < filter.trimEnd().length && (match = TOKEN.exec(filter));) {
    const [whole, comment, quoted, operator, word, other] = match;
    if (comment !== undefined) continue;
    const text = quoted === undefined ? (operator ?? word ?? other ?? "") : quoted.slice(1, -1).replace(/\\(.)/g, "$1");
    const at = match.index + whole.length - (quoted ?? text).length;
    if (other !== undefined) throw invalid(`Unparseable filter: syntax error at column ${at + 1}, token '${text}'.`);
    tokens.push({ text, quoted: quoted !== undefined, at });
  }
  return tokens;
}

/** `labels."a.b/c"` has two segments. */
const segmentsOf = (path: string) => [...path.matchAll(/"([^"]*)"|[^."]+/g)].map(([whole, quoted]) => quoted ?? whole);

function valueAt(entry: JsonObject, path: readonly string[]): Json | undefined {
  return path.reduce<Json | undefined>(
    (at, key) => (at !== null && typeof at === "object" && !Array.isArray(at) ? at[key] : undefined),
    entry,
  );
}

/** Comparisons take no notice of case; regular expressions do. A field that is not there meets none but the negated ones. */
function tester(operator: string, wanted: string): (value: Json | undefined, path: string) => boolean {
  if (operator === "=~" || operator === "!~") {
    const pattern = patternOf(wanted);
    return (value) => (value !== undefined && pattern.test(shown(value))) === (operator === "=~");
  }
  if (operator === ":")
    return (value) => value !== undefined && (wanted === "*" || textsOf(value).some((text) => includes(text, wanted)));
  if (operator === "!=") return (value, path) => value === undefined || order(value, wanted, path) !== 0;
  const holds: Record<string, (sign: number) => boolean> = {
    "=": (sign) => sign === 0,
    ">": (sign) => sign > 0,
    ">=": (sign) => sign >= 0,
    "<": (sign) => sign < 0,
    "<=": (sign) => sign <= 0,
  };
  return (value, path) => value !== undefined && holds[operator]!(order(value, wanted, path));
}

function patternOf(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (error) {
    throw invalid(`Unparseable filter: invalid regular expression '${text}': ${(error as Error).message}.`);
  }
}

function order(value: Json, wanted: string, path: string): number {
  const text = shown(value);
  const pairs: [number, number][] = [
    path === "severity" ? [SEVERITIES.indexOf(text), SEVERITIES.indexOf(wanted.toUpperCase())] : [NaN, NaN],
    /timestamp$/i.test(path) ? [Date.parse(text), Date.parse(wanted)] : [NaN, NaN],
    [Number(text), Number(wanted)],
  ];
  const comparable = pairs.find(([left, right]) => !Number.isNaN(left) && !Number.isNaN(right));
  if (comparable) return Math.sign(comparable[0] - comparable[1]);
  const [left, right] = [text.toLowerCase(), wanted.toLowerCase()];
  return left < right ? -1 : Number(left > right);
}

const shown = (value: Json) => (typeof value === "object" ? JSON.stringify(value) : String(value));

const includes = (text: string, part: string) => text.toLowerCase().includes(part.toLowerCase());

function textsOf(value: Json): string[] {
  if (value === null || typeof value !== "object") return [String(value)];
  return Object.values(value).flatMap(textsOf);
}
