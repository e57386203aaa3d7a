/**
 * Filters of lists: the part of AIP-160 that clients of this lab use: comparisons, `:`, AND, OR, NOT, `-`, parentheses.
 * What is not supported is refused by name, never ignored.
 */
import { ApiError } from "../errors";
import { getField } from "./fields";
import { compareValues } from "./order";
import type { Json, JsonObject } from "../service";
import { isObject, textOf } from "../json";
import { toCamel } from "../contract/validate-schema";

export type Filter = (resource: JsonObject) => boolean;

interface Token {
  kind: "word" | "text" | "operator" | "parenthesis" | "minus";
  value: string;
}

export function parseFilter(source: string | undefined): Filter {
  if (source === undefined || source.trim() === "") return () => true;
  const reader = new FilterReader(source, tokenize(source));
  const filter = reader.expression();
  reader.end();
  return filter;
}

const OPERATORS: Record<string, (value: Json | undefined, wanted: string) => boolean> = {
  "=": (value, wanted) =>
    wanted.includes("*")
      ? wildcard(wanted).test(textOf(value))
      : textOf(value) === wanted || compareValues(value, wanted) === 0,
  "!=": (value, wanted) => !OPERATORS["="]!(value, wanted),
  "<": (value, wanted) => value !== undefined && compareValues(value, wanted) < 0,
  "<=": (value, wanted) => value !== undefined && compareValues(value, wanted) <= 0,
  ">": (value, wanted) => value !== undefined && compareValues(value, wanted) > 0,
  ">=": (value, wanted) => value !== undefined && compareValues(value, wanted) >= 0,
  ":": has,
};

/** `field:*` is presence; of a list, membership; of a map, a key; of text, containment of the word. */
function has(value: Json | undefined, wanted: string): boolean {
  if (wanted === "*") return value !== undefined && value !== null && value !== "";
  if (Array.isArray(value)) return value.some((item) => OPERATORS["="]!(item, wanted));
  if (isObject(value)) return Object.hasOwn(value, wanted);
  return wanted.includes("*")
    ? wildcard(wanted).test(textOf(value))
    : textOf(value).toLowerCase().includes(wanted.toLowerCase());
}

const wildcard = (pattern: string) =>
  new RegExp(
    `^${pattern
      .split("*")
      .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"))
      .join(".*")}$`,
  );

function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  const pattern =
    /\s+|("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(<=|>=|!=|[=<>:])|([()])|(-)(?=[A-Za-z_("'])|([^\s"'()=<>!:,]+)|(.)/gy;
  for (const match of source.matchAll(pattern)) {
    if (match[1]) tokens.push({ kind: "text", value: match[1].slice(1, -1).replace(/\\(.)/g, "$1") });
    else if (match[2]) tokens.push({ kind: "operator", value: match[2] });
    else if (match[3]) tokens.push({ kind: "parenthesis", value: match[3] });
    else if (match[4]) tokens.push({ kind: "minus", value: match[4] });
    else if (match[5]) tokens.push({ kind: "word", value: match[5] });
    else if (match[6]) throw unsupported(source, `the character '${match[6]}'`);
  }
  return tokens;
}

class FilterReader {
  private position = 0;
  constructor(
    private readonly source: string,
    private readonly tokens: Token[],
  ) {}

  end(): void {
    const token = this.tokens[this.position];
    if (token) throw unsupported(this.source, `'${token.value}' here`);
  }

  /** AND binds looser than OR in AIP-160; terms side by side are joined by AND. */
  expression(): Filter {
    const parts = [this.alternatives()];
    for (;;) {
      const token = this.tokens[this.position];
      if (!token || (token.kind === "parenthesis" && token.value === ")")) break;
      this.takeWord("AND");
      parts.push(this.alternatives());
    }
    return (resource) => parts.every((part) => part(resource));
  }

  private alternatives(): Filter {
    const parts = [this.term()];
    while (this.takeWord("OR")) parts.push(this.term());
    return (resource) => parts.some((part) => part(resource));
  }

  private term(): Filter {
    const token = this.next();
    if (token.kind === "minus" || (token.kind === "word" && token.value === "NOT")) {
      const inner = this.term();
      return (resource) => !inner(resource);
    }
    if (token.kind === "parenthesis" && token.value === "(") {
      const inner = this.expression();
      const close = this.next();
      if (close.value !== ")") throw unsupported(this.source, `'${close.value}' instead of ')'`);
      return inner;
    }
    if (token.kind !== "word") throw unsupported(this.source, `'${token.value}' instead of a field`);
    return this.comparison(token.value);
  }

  private comparison(field: string): Filter {
    const operator = this.tokens[this.position];
    if (operator?.value === "(") throw unsupported(this.source, `the function '${field}()'`);
    if (operator?.kind !== "operator")
      throw unsupported(this.source, `the bare word '${field}' (search over all fields)`);
    this.position += 1;
    const wanted = this.next();
    if (wanted.kind !== "word" && wanted.kind !== "text" && wanted.kind !== "minus")
      throw unsupported(this.source, `'${wanted.value}' as a value`);
    const value = wanted.kind === "minus" ? `-${this.next().value}` : wanted.value;
    if (wanted.kind === "word" && this.tokens[this.position]?.value === "(")
      throw unsupported(this.source, `the function '${value}()'`);
    const test = OPERATORS[operator.value]!;
    return (resource) => test(fieldValue(resource, field), value);
  }

  private takeWord(word: string): boolean {
    const token = this.tokens[this.position];
    if (token?.kind !== "word" || token.value !== word) return false;
    this.position += 1;
    return true;
  }

  private next(): Token {
    const token = this.tokens[this.position++];
    if (!token) throw unsupported(this.source, "an unfinished expression");
    return token;
  }
}

/** Filters may name fields in snake_case; the keys of maps (labels) stay as they are. */
function fieldValue(resource: JsonObject, field: string): Json | undefined {
  return (
    getField(resource, field) ??
    getField(
      resource,
      field
        .split(".")
        .map((part, index) => (index === 0 ? toCamel(part) : part))
        .join("."),
    ) ??
    getField(resource, field.split(".").map(toCamel).join("."))
  );
}

function unsupported(source: string, what: string): ApiError {
  return new ApiError(
    "INVALID_ARGUMENT",
    `Invalid filter '${source}': ${what} is not supported; supported are field comparisons with =, !=, <, <=, >, >=, : joined by AND, OR, NOT, - and parentheses.`,
  );
}
