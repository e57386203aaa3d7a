/**
 * Requests to Google's production hosts with the ordinary environment of any client: proxy, certificate authority and
 * credentials come from it, so that it alone decides where the requests lead.
 */
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { rootCertificates } from "node:tls";
import { GoogleAuth } from "google-auth-library";
import { Agent, fetch, ProxyAgent, type Dispatcher } from "undici";
import { DeployError, UncertainError } from "../errors";
import { type Properties, text } from "../values";

const SCOPE = "https://www.googleapis.com/auth/cloud-platform";
/** Pauses before each repetition, as the official provider makes them. */
const PAUSES = [500, 1000, 2000, 4000];
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

export function googleHttp(environment: NodeJS.ProcessEnv): GoogleHttp {
  const dispatcher = makeDispatcher(environment);
  const token = tokenSource(environment, dispatcher);
  const call = async (request: GoogleRequest): Promise<Properties> => {
    for (let attempt = 0; ; attempt++) {
      const { status, answer } = await send(request, dispatcher, await token()).catch((error: unknown) => {
        throw uncertain(request, error);
      });
      if (status < 300) return answer === "" ? {} : (JSON.parse(answer) as Properties);
      const error = googleError(request, status, answer);
      const wait = PAUSES[attempt];
      if (!REPEATED.has(status) || wait === undefined) throw status >= 500 ? uncertain(request, error) : error;
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

/** A change whose answer never came may have been made; a read has changed nothing. */
function uncertain(request: GoogleRequest, error: unknown): unknown {
  const cause = (error as { cause?: Error }).cause;
  const reason = cause?.message ? `${(error as Error).message}: ${cause.message}` : (error as Error).message;
  const message = error instanceof GoogleError ? reason : `${request.method} ${request.url}: ${reason}`;
  return request.method === "GET"
    ? new DeployError(message, { cause: error })
    : new UncertainError(message, { cause: error });
}

function googleError(request: GoogleRequest, code: number, answer: string): GoogleError {
  let message = answer.slice(0, 500);
  try {
    message = (JSON.parse(answer) as { error?: { message?: string } }).error?.message ?? message;
  } catch {
    // Not JSON: a proxy answered instead of Google, and its text is the message.
  }
  return new GoogleError(code, `${request.method} ${request.url}: ${code} ${message}`);
}

function makeDispatcher(environment: NodeJS.ProcessEnv): Dispatcher {
  const extra = [environment.NODE_EXTRA_CA_CERTS, environment.SSL_CERT_FILE].filter(
    (file) => file !== undefined && file !== "",
  );
  const ca = [...rootCertificates, ...extra.map((file) => readFileSync(file!, "utf8"))];
  const proxy = environment.HTTPS_PROXY ?? environment.https_proxy;
  return proxy ? new ProxyAgent({ uri: proxy, requestTls: { ca } }) : new Agent({ connect: { ca } });
}

function tokenSource(environment: NodeJS.ProcessEnv, dispatcher: Dispatcher): () => Promise<string> {
  const { GOOGLE_OAUTH_ACCESS_TOKEN: given, GOOGLE_APPLICATION_CREDENTIALS: file } = environment;
  if (given) return () => Promise.resolve(given);
  const fetchThere = (url: unknown, init: object | undefined) => fetch(url as URL, { ...init, dispatcher });
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
