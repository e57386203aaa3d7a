/**
 * Requests to Google's production hosts with the ordinary environment of any client: proxy, certificate authority and
 * credentials come from it, so that it alone decides where the requests lead.
 */
import { readFileSync } from "node:fs";
import { request as plainRequest } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { createSecureContext, rootCertificates } from "node:tls";
import { GoogleAuth } from "google-auth-library";
import { Agent, fetch, ProxyAgent, type Dispatcher } from "undici";
import { DeployError, UncertainError } from "../errors";
import { type Properties, text } from "../values";

const SCOPE = "https://www.googleapis.com/auth/cloud-platform";
/** Pauses before each repetition, as the official provider makes them. */
const PAUSES = [500, 1000, 2000, 4000];
/** Failures from before anything was sent. */
const NEVER_SENT: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
]);
const REPEATED: ReadonlySet<number> = new Set([429, 500, 502, 503, 504]);

/** Google's error answer. */
export class GoogleError extends DeployError {
  constructor(
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}

/** Turns "not found" into undefined. */
export function absent(error: unknown): undefined {
  if (!(error instanceof GoogleError && error.code === 404)) throw error;
  return undefined;
}

export interface GoogleRequest {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  url: string;
  query?: Record<string, string | undefined>;
  body?: Properties;
  /** A body that is not JSON, made anew for each repetition. */
  stream?: { type: string; chunks: () => AsyncIterable<Uint8Array> };
  headers?: Record<string, string>;
}

export interface GoogleHttp {
  /** The JSON answer, `{}` when there is none. @throws GoogleError */
  call: (request: GoogleRequest) => Promise<Properties>;
  /** Undefined on 404. */
  find: (url: string, query?: Record<string, string>) => Promise<Properties | undefined>;
  /** Deletes; 404 is success. */
  remove: (url: string, query?: Record<string, string>) => Promise<Properties | undefined>;
  /** Follows a long-running operation to its end and answers its `response`. @param base URL that `name` is appended to. */
  wait: (operation: Properties, base: string, seconds?: number) => Promise<Properties>;
}

/** All items of a collection, page by page; none on 404. @param field that holds them in the answer */
export async function listAll(
  { call }: Pick<GoogleHttp, "call">,
  url: string,
  field: string,
  query?: Record<string, string>,
): Promise<Properties[]> {
  const items: Properties[] = [];
  let pageToken: string | undefined;
  do {
    const page: Properties = (await call({ method: "GET", url, query: { ...query, pageToken } }).catch(absent)) ?? {};
    items.push(...((page[field] ?? []) as Properties[]));
    pageToken = text(page.nextPageToken ?? "") || undefined;
  } while (pageToken);
  return items;
}

export function googleHttp(environment: NodeJS.ProcessEnv): GoogleHttp {
  let made: Dispatcher | undefined;
  const dispatcher = () => (made ??= makeDispatcher(environment));
  const token = tokenSource(environment, dispatcher);
  const call = async (request: GoogleRequest): Promise<Properties> => {
    for (let attempt = 0; ; attempt++) {
      const { status, answer } = await send(request, dispatcher(), await token()).catch(async (error: unknown) => {
        throw await unanswered(request, error, proxyOf(environment));
      });
      if (status < 300) return answer === "" ? {} : (JSON.parse(answer) as Properties);
      const error = googleError(request, status, answer);
      const wait = PAUSES[attempt];
      if (!REPEATED.has(status) || wait === undefined)
        throw status >= 500 ? uncertain(request, error.message, error) : error;
      await pause(wait);
    }
  };
  return {
    call,
    find: (url, query) => call({ method: "GET", url, query }).catch(absent),
    remove: (url, query) => call({ method: "DELETE", url, query }).catch(absent),
    wait: async (operation, base, seconds = 20 * 60) => {
      const end = Date.now() + seconds * 1000;
      let current = operation;
      for (let delay = 100; current.done !== true; delay = Math.min(delay * 2, 5000)) {
        if (Date.now() > end)
          throw new UncertainError(`operation ${text(current.name)}: not done after ${seconds} seconds`);
        await pause(delay);
        current = await call({ method: "GET", url: `${base}/${text(operation.name)}` });
      }
      const error = current.error as Properties | undefined;
      if (error) throw new GoogleError(Number(error.code), `operation ${text(current.name)}: ${text(error.message)}`);
      return (current.response ?? {}) as Properties;
    },
  };
}

async function send(
  { method, url, query, body, stream, headers }: GoogleRequest,
  dispatcher: Dispatcher,
  token: string,
) {
  const address = new URL(url);
  for (const [name, value] of Object.entries(query ?? {}))
    if (value !== undefined) address.searchParams.set(name, value);
  const type = stream?.type ?? (body === undefined ? undefined : "application/json");
  const response = await fetch(address, {
    method,
    dispatcher,
    headers: {
      authorization: `Bearer ${token}`,
      "user-agent": "sparklab-deploy",
      ...(type && { "content-type": type }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(stream && { body: stream.chunks(), duplex: "half" as const }),
  });
  return { status: response.status, answer: await response.text() };
}

/** A change whose answer never came may have been made; one that never left, and a read, have changed nothing. */
async function unanswered(request: GoogleRequest, error: unknown, proxy: string | undefined): Promise<Error> {
  if (error instanceof DeployError) return error;
  const what = `${request.method} ${request.url}`;
  const refusal = proxy && (await tunnelRefusal(proxy, new URL(request.url).hostname));
  if (refusal) return new DeployError(`${what}: ${refusal}`, { cause: error });
  const cause = (error as { cause?: Error & { code?: string } }).cause;
  if (cause?.code && NEVER_SENT.has(cause.code)) {
    const remedy = proxy ? `Is there a proxy at ${proxy} (HTTPS_PROXY)?` : "Is this machine connected?";
    return new DeployError(`${what}: cannot be reached: ${cause.message}. ${remedy}`, { cause: error });
  }
  const reason = cause?.message ? `${(error as Error).message}: ${cause.message}` : (error as Error).message;
  return uncertain(request, `${what}: ${reason}`, error);
}

const uncertain = ({ method }: GoogleRequest, message: string, cause: unknown): Error =>
  method === "GET" ? new DeployError(message, { cause }) : new UncertainError(message, { cause });

/** What a proxy says when it opens no tunnel to a host, which fetch keeps to itself; undefined when it opens one. */
function tunnelRefusal(proxy: string, host: string): Promise<string | undefined> {
  const { hostname, port } = new URL(proxy);
  return new Promise((resolve) => {
    const asked = plainRequest({ host: hostname, port, method: "CONNECT", path: `${host}:443`, agent: false });
    asked.once("connect", (response, socket, head) => {
      const parts: Uint8Array[] = [head];
      socket.on("data", (chunk: Buffer) => parts.push(chunk));
      if (response.statusCode === 200) {
        socket.destroy();
        return resolve(undefined);
      }
      socket.once("close", () => {
        const text = Buffer.concat(parts).toString("utf8").trim();
        resolve(`the proxy ${proxy} answered ${response.statusCode}: ${text || (response.statusMessage ?? "")}`);
      });
      socket.end();
    });
    // It cannot be asked: the error of the request itself says so.
    asked.once("error", () => resolve(undefined));
    asked.end();
  });
}

function googleError(request: GoogleRequest, code: number, answer: string): GoogleError {
  let message = answer.slice(0, 500);
  try {
    message = (JSON.parse(answer) as { error?: { message?: string } }).error?.message ?? message;
  } catch {
    // Not JSON: a proxy answered instead of Google, and its text is the message.
  }
  return new GoogleError(code, `${request.method} ${request.url}: ${code} ${message}${remedy(request, code, message)}`);
}

/** What a person can do where Google's message leaves it open. */
function remedy({ method, url }: GoogleRequest, code: number, message: string): string {
  if (code === 401) return " The credentials are not valid: gcloud auth application-default login";
  if (code === 403 && /permission/i.test(message))
    return " Grant the caller a role with this permission, then run the same command again.";
  if (code === 409 && method === "POST" && !/:\w+$/.test(url))
    return " Something of this name is there that this stack does not manage: delete it, or choose another name.";
  return "";
}

const proxyOf = (environment: NodeJS.ProcessEnv) => environment.HTTPS_PROXY || environment.https_proxy || undefined;

function makeDispatcher(environment: NodeJS.ProcessEnv): Dispatcher {
  const extra = [environment.NODE_EXTRA_CA_CERTS, environment.SSL_CERT_FILE].filter(
    (file) => file !== undefined && file !== "",
  );
  const ca = [...rootCertificates, ...extra.map((file) => readFileSync(file!, "utf8"))];
  // Made once: reading some 150 certificates for each connection takes longer than all that the connection is used for.
  const secureContext = createSecureContext({ ca });
  const proxy = proxyOf(environment);
  return proxy
    ? new ProxyAgent({ uri: proxy, requestTls: { secureContext } })
    : new Agent({ connect: { secureContext } });
}

function tokenSource(environment: NodeJS.ProcessEnv, dispatcher: () => Dispatcher): () => Promise<string> {
  const { GOOGLE_OAUTH_ACCESS_TOKEN: given, GOOGLE_APPLICATION_CREDENTIALS: file } = environment;
  if (given) return () => Promise.resolve(given);
  const fetchThere = (url: unknown, init: object | undefined) =>
    fetch(url as URL, { ...init, dispatcher: dispatcher() });
  const transporterOptions = { fetchImplementation: fetchThere as unknown as typeof globalThis.fetch };
  const auth = new GoogleAuth({
    scopes: [SCOPE],
    ...(file && { keyFilename: file }),
    clientOptions: { transporterOptions },
  });
  return async () => {
    const token = await auth.getAccessToken();
    if (!token)
      throw new DeployError("credentials: no access token could be had. gcloud auth application-default login");
    return token;
  };
}
