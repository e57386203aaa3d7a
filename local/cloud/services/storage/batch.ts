/**
 * `POST /batch/storage/v1`: up to 100 calls in one request, each answered by itself.
 * Source: docs "Sending batch requests".
 */
import { MIMEType } from "node:util";
import { STATUS_CODES } from "node:http";
import { Readable } from "node:stream";
import { Dicer } from "@fastify/busboy";
import type { Api } from "../../cloud";
import { ApiError } from "../../errors";
import type { Json, JsonObject, Principal } from "../../service";
import { invalid } from "./answers";
import { bodyOf, type Exchange, jsonBody } from "./http";

const LARGEST = 100;

interface Part {
  id: string | undefined;
  text: string;
}

export async function serveBatch(
  api: Api,
  from: { host: string; principal: Principal; http: Exchange },
): Promise<void> {
  const parts = await partsOf(from.http);
  if (parts.length > LARGEST)
    throw invalid(`The batch request has too many calls: got ${parts.length}; expected at most ${LARGEST}.`);
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
  part: Part,
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
  return { verb, path: target, body: await jsonBody(Readable.from([Buffer.from(rest.join("\n\n"))])) };
}

async function partsOf({ request }: Exchange): Promise<Part[]> {
  const boundary = new MIMEType(request.headers["content-type"] ?? "text/plain").params.get("boundary");
  if (!boundary) throw invalid("Invalid batch request: expected content type multipart/mixed with a boundary.");
  const parts: Part[] = [];
  await new Promise<void>((resolve, reject) => {
    const parser = new Dicer({ boundary });
    parser.on("part", (stream) => {
      const part: Part = { id: undefined, text: "" };
      parts.push(part);
      stream.on("header", (header) => (part.id = (header as Record<string, string[]>)["content-id"]?.[0]));
      stream.on("data", (chunk: Buffer | string) => (part.text += chunk.toString()));
    });
    parser.on("finish", resolve).on("error", reject);
    bodyOf(request).on("error", reject).pipe(parser);
  });
  return parts;
}
