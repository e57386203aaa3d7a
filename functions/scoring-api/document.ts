/** Documents that come from a bucket: JSON that is checked against its schema before anything is done with it. */
import Ajv2020, { type ErrorObject, type ValidateFunction } from "ajv/dist/2020";

/** A document that cannot be used; the message lists what is wrong with it. */
export class DocumentError extends Error {}

/** What a document is, and who writes it. */
export interface Kind<T> {
  name: string;
  writer: string;
  matches: ValidateFunction<T>;
  /** What the schema cannot say. */
  problems?: (document: T) => string[];
}

const SHOWN = 8;

export const kindOf = <T>(
  name: string,
  writer: string,
  schema: object,
  problems?: (document: T) => string[],
): Kind<T> => ({ name, writer, matches: new Ajv2020({ allErrors: true }).compile<T>(schema), problems });

/**
 * @param where Named in the message.
 * @throws DocumentError with the problems, the first few in full
 */
export function parseDocument<T>({ name, writer, matches, problems }: Kind<T>, text: string, where: string): T {
  const refuse = (list: readonly string[]): never => {
    const more = list.length > SHOWN ? [`and ${list.length - SHOWN} more`] : [];
    const first = `${name} ${where}: got a document that cannot be used; expected what ${writer} writes.`;
    throw new DocumentError([first, ...list.slice(0, SHOWN), ...more].join("\n  "));
  };
  const document = parsed(text, refuse);
  if (!matches(document)) return refuse((matches.errors ?? []).map(schemaProblem));
  const found = problems?.(document) ?? [];
  return found.length > 0 ? refuse(found) : document;
}

function parsed(text: string, refuse: (problems: readonly string[]) => never): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    return refuse([`is not JSON (${text.length} characters): ${(error as Error).message}`]);
  }
}

function schemaProblem({ instancePath, message, params }: ErrorObject): string {
  return `${instancePath || "/"}: ${message ?? "is wrong"} ${JSON.stringify(params)}`;
}
