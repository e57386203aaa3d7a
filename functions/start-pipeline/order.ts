/** What a caller asks for: a run of a day with some parameters, out of a request body, a pushed message or an event. */

export interface Order {
  /** Day that the run is for, YYYY-MM-DD: with the parameters it says which run is meant. */
  date: string;
  /** Values for the pipeline's parameters, over the lab's own. */
  parameters: Record<string, unknown>;
  /** From 1; a further one is another run of the same day and parameters, after one that failed. */
  attempt: number;
}

/** A request that cannot be understood or followed; every problem of it. */
export class OrderError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(problems.join("\n"));
  }
}

const FIELDS = ["date", "parameters", "attempt"];
/** An order is a few names and values; whatever is larger is something else. */
export const LARGEST_ORDER = 100_000;
const MOST_ATTEMPTS = 99;

/**
 * @param body what was sent: nothing, an order, or a Pub/Sub push message that carries one
 * @param time when the caller's own clock says that this was due: a retry of a delivery has the same
 * @throws OrderError
 */
export function parseOrder(body: unknown, time: Date): Order {
  const order = unwrap(body) ?? {};
  if (!isObject(order))
    throw new OrderError([`body: got ${JSON.stringify(order)}; expected a JSON object or nothing.`]);
  const { date = time.toISOString().slice(0, 10), parameters = {}, attempt = 1 } = order;
  const problems = Object.keys(order)
    .filter((field) => !FIELDS.includes(field))
    .map((field) => `${field}: not known; expected some of ${FIELDS.join(", ")}.`);
  if (typeof date !== "string" || !isDay(date))
    problems.push(`date: got ${JSON.stringify(date)}; expected a day, YYYY-MM-DD.`);
  if (!isObject(parameters))
    problems.push(`parameters: got ${JSON.stringify(parameters)}; expected an object of names and values.`);
  if (!Number.isInteger(attempt) || (attempt as number) < 1 || (attempt as number) > MOST_ATTEMPTS)
    problems.push(`attempt: got ${JSON.stringify(attempt)}; expected a whole number from 1 to ${MOST_ATTEMPTS}.`);
  if (problems.length > 0) throw new OrderError(problems);
  return {
    date: date as string,
    parameters: parameters as Record<string, unknown>,
    attempt: attempt as number,
  };
}

/** Pub/Sub pushes `{message: {data: <base64>}}`. */
function unwrap(body: unknown): unknown {
  if (typeof body === "string" || Buffer.isBuffer(body)) return parseJson(body.toString());
  const message = isObject(body) ? body.message : undefined;
  if (!isObject(message) || !isObject(body) || !("subscription" in body || "messageId" in message)) return body;
  return parseJson(Buffer.from(typeof message.data === "string" ? message.data : "", "base64").toString());
}

function parseJson(text: string): unknown {
  if (text.trim() === "") return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new OrderError([`body: not JSON (${(error as Error).message}).`]);
  }
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !Buffer.isBuffer(value);

const isDay = (text: string) =>
  /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text)) && new Date(text).toISOString().startsWith(text);
