/** Requests to Google's APIs: few tries when a service is down for a moment, one kind of error. */
import { setTimeout as pause } from "node:timers/promises";

export interface GoogleRequest {
  url: string;
  method: "GET" | "POST";
  /** Sent as it is. */
  body?: string;
  /** Statuses that are answers here, beside success. */
  accepts?: readonly number[];
}

export interface GoogleAnswer {
  status: number;
  text: string;
}

export type Send = (request: GoogleRequest) => Promise<GoogleAnswer>;

/** What a service said when it did not do what it was asked. */
export class UpstreamError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly retryAfter?: string,
  ) {
    super(message);
  }
}

/** What `GoogleAuth.request` takes and gives, as far as it is used. */
export type Transport = (request: {
  url: string;
  method: "GET" | "POST";
  body?: string;
  headers?: Record<string, string>;
  responseType: "text";
  validateStatus: () => boolean;
  retry: boolean;
  timeout: number;
}) => Promise<{ status: number; data: unknown; headers: Headers }>;

/** A caller waits for this, and its own deadline is a minute. */
const PAUSES_MS = [500, 1000, 2000];
const TIMEOUT_MS = 10_000;

export function googleClient(transport: Transport, pauses: readonly number[] = PAUSES_MS): Send {
  const once = async (request: GoogleRequest): Promise<GoogleAnswer> => {
    const { url, method, body, accepts = [] } = request;
    const headers: Record<string, string> = body === undefined ? {} : { "content-type": "application/json" };
    const options = { responseType: "text", validateStatus: () => true, retry: false, timeout: TIMEOUT_MS } as const;
    const answer = await transport({ url, method, ...(body !== undefined && { body }), headers, ...options }).catch(
      (error: Error) => {
        throw new UpstreamError(503, `${new URL(url).hostname}: ${error.message}`);
      },
    );
    const text = typeof answer.data === "string" ? answer.data : JSON.stringify(answer.data ?? "");
    if (answer.status < 300 || accepts.includes(answer.status)) return { status: answer.status, text };
    throw new UpstreamError(
      answer.status,
      `${new URL(url).hostname}: ${messageIn(text)}`,
      answer.headers.get("retry-after") ?? undefined,
    );
  };
  return async (request) => {
    for (const wait of pauses) {
      try {
        return await once(request);
      } catch (error) {
        if (!(error instanceof UpstreamError) || error.status < 500 || error.status === 501) throw error;
        await pause(wait);
      }
    }
    return once(request);
  };
}

/** Google's error body, or the beginning of whatever came instead. */
function messageIn(text: string): string {
  try {
    const { error } = JSON.parse(text) as { error?: { message?: string } };
    if (error?.message) return error.message;
  } catch {
    // Not JSON: a proxy's page, say; its text is told.
  }
  return text.slice(0, 200);
}
