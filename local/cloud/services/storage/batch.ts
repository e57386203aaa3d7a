/**
 * `POST /batch/storage/v1`: up to 100 calls in one request, each answered by itself.
 * Source: docs "Sending batch requests".
 */
import { STATUS_CODES } from "node:http";
import type { Api } from "../../cloud";
import { ApiError } from "../../errors";
import type { Json, JsonObject, Principal } from "../../service";
import { invalid } from "./answers";
import { bodyOf, type Exchange, jsonBody } from "./http";
import { partsOf } from "./multipart";

const LARGEST = 100;

interface Call {
  id: string | undefined;
  text: string;
}

export async function serveBatch(
  api: Api,
  from: { host: string; principal: Principal; http: Exchange },
): Promise<void> {
  const parts = await callsOf(from.http);
  const boundary = "batch_answers";
  const answers: string[] = [];
  for (const part of parts) {
    const { status, body } = await answerOf(api, part, from);
    const text = body === undefined ? "" : JSON.stringify(body);
    const head = [`--${boundary}`, "Content-Type: application/http"];
    if (part.id) head.push(`Content-ID: ${part.id.replace(/^</, "<response-")}`);
    const inner = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`,
      "Content-Type: application/json; charset=UTF-8",
      `Content-Length: ${Buffer.byteLength(text)}`,
    ];
    answers.push([...head, "", ...inner, "", text].join("\r\n"));
  }
  const body = `${answers.join("\r\n")}\r\n--${boundary}--\r\n`;
  from.http.response.writeHead(200, {
    "content-type": `multipart/mixed; boundary=${boundary}`,
    "content-length": String(Buffer.byteLength(body)),
  });
  from.http.response.end(body);
}

/** A call that fails is an answer of its own; the others go on. */
async function answerOf(
  api: Api,
  part: Call,
  { host, principal }: { host: string; principal: Principal },
): Promise<{ status: number; body?: Json }> {
  try {
    const { verb, path, body } = await inner(part.text);
    const answer = await api.rest({ host, verb, path, body }, principal);
    return answer === null ? { status: 204 } : { status: 200, body: answer };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { status: error.http, body: error.body() };
  }
}

async function inner(text: string): Promise<{ verb: string; path: string; body: JsonObject }> {
  const [head = "", ...rest] = text.replace(/\r\n/g, "\n").replace(/^\n+/, "").split("\n\n");
  const [verb = "", url = ""] = (head.split("\n")[0] ?? "").split(" ");
  if (!url) throw invalid("Failed to parse a call of the batch request.");
  const target = url.startsWith("http") ? url.slice(new URL(url).origin.length) : url;
  return { verb, path: target, body: await jsonBody(bytesOf(rest.join("\n\n"))) };
}

async function callsOf({ request }: Exchange): Promise<Call[]> {
  const calls: Call[] = [];
  for await (const part of partsOf(request.headers["content-type"], bodyOf(request) as AsyncIterable<Buffer>)) {
    const chunks: Buffer[] = [];
    for await (const chunk of part.body) chunks.push(chunk);
    calls.push({ id: part.headers["content-id"], text: Buffer.concat(chunks).toString("utf8") });
    if (calls.length > LARGEST) throw invalid(`The batch request has too many calls: expected at most ${LARGEST}.`);
  }
  return calls;
}

async function* bytesOf(text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(text);
}
