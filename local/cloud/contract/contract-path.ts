/** Path templates of Google's API descriptions: from `v1/{+name}:cancel` and its patterns to a tree that finds a method. */
import { ApiError } from "../errors";

/** One way to write a method's path, with the parameters' patterns as the description gives them. */
export interface PathTemplate<T> {
  /** Without a leading slash, e.g. `storage/v1/b/{bucket}/o/{object}`. */
  path: string;
  verb: string;
  patterns: Readonly<Record<string, string | undefined>>;
  target: T;
}

interface Leaf<T> {
  verb: string;
  expression: RegExp;
  parameters: { name: string; reserved: boolean }[];
  target: T;
}

interface Node<T> {
  literals: Map<string, Node<T>>;
  /** Any one segment. */
  one?: Node<T>;
  /** Any number of segments, only at the end (`operations/.*`). */
  rest?: Map<string, Leaf<T>[]>;
  /** Leaves by custom verb: `cancel` of `…/{operation}:cancel`, `` for none. */
  leaves: Map<string, Leaf<T>[]>;
}

/** Finds the method of a request. Literals win over variables, a custom verb over a colon inside an id. */
export class PathTree<T> {
  private readonly root: Node<T> = newNode();

  add(template: PathTemplate<T>): void {
    const { base, custom } = splitCustomVerb(template.path);
    const leaf = newLeaf(template);
    let node = this.root;
    const segments = expand(base, template.patterns);
    for (const [index, segment] of segments.entries()) {
      if (segment === REST) {
        if (index !== segments.length - 1)
          throw new Error(`path ${template.path}: a pattern over several segments must be last`);
        push((node.rest ??= new Map<string, Leaf<T>[]>()), custom, leaf);
        return;
      }
      if (segment === ONE) node = node.one ??= newNode();
      else {
        const next = node.literals.get(segment) ?? newNode<T>();
        node.literals.set(segment, next);
        node = next;
      }
    }
    push(node.leaves, custom, leaf);
  }

  /** @param path raw, percent-encoded, without leading slash and query. */
  find(verb: string, path: string): { target: T; parameters: Record<string, string> } | undefined {
    const segments = path.split("/");
    const last = segments.at(-1) ?? "";
    const colon = last.lastIndexOf(":");
    if (colon > 0) {
      const cut = [...segments.slice(0, -1), last.slice(0, colon)];
      const found = this.walk(this.root, cut, 0, last.slice(colon + 1), verb, path);
      if (found) return found;
    }
    return this.walk(this.root, segments, 0, "", verb, path);
  }

  private walk(
    node: Node<T>,
    segments: string[],
    depth: number,
    custom: string,
    verb: string,
    path: string,
  ): { target: T; parameters: Record<string, string> } | undefined {
    const segment = segments[depth];
    if (segment === undefined) return pick(node.leaves.get(custom), verb, path);
    const literal = node.literals.get(segment);
    const byLiteral = literal && this.walk(literal, segments, depth + 1, custom, verb, path);
    if (byLiteral) return byLiteral;
    const byOne = node.one && segment !== "" ? this.walk(node.one, segments, depth + 1, custom, verb, path) : undefined;
    return byOne ?? pick(node.rest?.get(custom), verb, path);
  }
}

const ONE = "*";
const REST = "**";

function newNode<T>(): Node<T> {
  return { literals: new Map(), leaves: new Map() };
}

function push<T>(map: Map<string, Leaf<T>[]>, key: string, leaf: Leaf<T>): void {
  map.set(key, [...(map.get(key) ?? []), leaf]);
}

function pick<T>(leaves: Leaf<T>[] | undefined, verb: string, path: string) {
  for (const leaf of leaves ?? []) {
    if (leaf.verb !== verb) continue;
    const match = leaf.expression.exec(path);
    if (!match) continue;
    const parameters = Object.fromEntries(
      leaf.parameters.map(({ name, reserved }, index) => [name, decode(match[index + 1] ?? "", reserved)]),
    );
    return { target: leaf.target, parameters };
  }
  return undefined;
}

/**
 * `{+name}` keeps an encoded slash encoded, `{name}` decodes everything: an object name `a%2Fb` is one segment.
 * Source: google/api/http.proto, rules for multi-segment variables.
 */
function decode(raw: string, reserved: boolean): string {
  try {
    return reserved ? raw.split(/%2f/i).map(decodeURIComponent).join("%2F") : decodeURIComponent(raw);
  } catch {
    throw new ApiError("INVALID_ARGUMENT", `Request path contains an invalid percent escape: '${raw}'.`);
  }
}

function splitCustomVerb(path: string): { base: string; custom: string } {
  const match = /^(.*[^/]):([A-Za-z]+)$/.exec(path);
  return match ? { base: match[1]!, custom: match[2]! } : { base: path, custom: "" };
}

/** Segments of a template; a `{+name}` is replaced by the segments of its pattern. */
function expand(base: string, patterns: PathTemplate<unknown>["patterns"]): string[] {
  return base.split("/").flatMap((segment) => {
    const variable = /^\{(\+?)([^}]+)\}$/.exec(segment);
    if (!variable) return [segment];
    const pattern = patterns[variable[2]!];
    if (!variable[1]) return [ONE];
    if (!pattern) return [REST];
    return splitPattern(pattern).map((part) => (/^[\w.-]+$/.test(part) ? part : /^\.[*+]$/.test(part) ? REST : ONE));
  });
}

/** Splits `^projects/[^/]+/topics/.*$` at the slashes that are not inside a character class. */
function splitPattern(pattern: string): string[] {
  return pattern.replace(/^\^|\$$/g, "").match(/(?:\[[^\]]*\]|[^/[])+/g) ?? [];
}

function newLeaf<T>(template: PathTemplate<T>): Leaf<T> {
  const parameters: Leaf<T>["parameters"] = [];
  const expression = template.path
    .split(/(\{[^}]+\})/)
    .map((part) => {
      const variable = /^\{(\+?)([^}]+)\}$/.exec(part);
      if (!variable) return part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
      const name = variable[2]!;
      parameters.push({ name, reserved: variable[1] === "+" });
      // Patterns without groups of their own: a group would shift the parameters.
      const pattern = template.patterns[name]?.replace(/^\^|\$$/g, "").replace(/\((?!\?)/g, "(?:");
      return variable[1] ? `(${pattern ?? ".+"})` : "([^/]+)";
    })
    .join("");
  return { verb: template.verb, expression: new RegExp(`^${expression}$`), parameters, target: template.target };
}
