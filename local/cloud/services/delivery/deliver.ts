/**
 * Requests that a service sends by itself: pushes, tasks, scheduled calls. They go through the front door like those of
 * any client, with a token of the account that the user named.
 */
import { readFileSync } from "node:fs";
import { fetch, ProxyAgent } from "undici";
import type { Cloud } from "../../cloud";
import { isObject, textOf } from "../../json";
import type { Json, JsonObject, Principal } from "../../service";

export interface Delivery {
  url: string;
  method: string;
  headers: Record<string, string>;
  body?: Buffer;
  /** `oidcToken` and `oauthToken` as Tasks, Scheduler and Pub/Sub have them. */
  oidcToken?: Json;
  oauthToken?: Json;
  /** Seconds that the target has for its answer. */
  seconds: number;
}

/** `status` of the answer; 504 if there was none in time, 503 if the target could not be reached. */
export interface Outcome {
  status: number;
  message: string;
}

const CLOUD_PLATFORM = "https://www.googleapis.com/auth/cloud-platform";
const proxies = new WeakMap<Cloud, Promise<ProxyAgent>>();

export async function deliver(delivery: Delivery, cloud: Cloud): Promise<Outcome> {
  const { url, method, body, seconds } = delivery;
  try {
    const headers = { ...delivery.headers, ...(await authorization(delivery, cloud)) };
    const response = await fetch(url, {
      ...{ method, headers, dispatcher: await proxyOf(cloud), redirect: "manual" as const },
      ...(body && method !== "GET" && method !== "HEAD" && { body: new Uint8Array(body) }),
      signal: AbortSignal.timeout(seconds * 1000),
    });
    // Read to its end, so that the connection can be used again.
    await response.arrayBuffer();
    return { status: response.status, message: `${response.status} ${response.statusText}` };
  } catch (error) {
    const isLate = (error as Error).name === "TimeoutError";
    const cause = (error as { cause?: Error }).cause?.message ?? (error as Error).message;
    return isLate ? { status: 504, message: `no answer within ${seconds}s` } : { status: 503, message: cause };
  }
}

async function authorization({ url, oidcToken, oauthToken }: Delivery, cloud: Cloud): Promise<Record<string, string>> {
  if (isObject(oidcToken)) {
    const audience = textOf(oidcToken.audience) || url;
    const token = await cloud.principals.identityToken(accountIn(oidcToken), audience, { includeEmail: true });
    return { authorization: `Bearer ${token}` };
  }
  if (!isObject(oauthToken)) return {};
  const scopes = [textOf(oauthToken.scope) || CLOUD_PLATFORM];
  return { authorization: `Bearer ${cloud.principals.accessToken(accountIn(oauthToken), 3600, scopes).token}` };
}

const accountIn = ({ serviceAccountEmail }: JsonObject): Principal => ({
  ...{ kind: "serviceAccount", via: "impersonation" },
  email: textOf(serviceAccountEmail),
});

function proxyOf(cloud: Cloud): Promise<ProxyAgent> {
  const known =
    proxies.get(cloud) ??
    cloud.door.then(
      ({ proxy, caBundle }) => new ProxyAgent({ uri: proxy, requestTls: { ca: readFileSync(caBundle) } }),
    );
  proxies.set(cloud, known);
  return known;
}

/** Ends what is under way; whoever sent it sends it again when the cloud is back. */
export async function closeDeliveries(cloud: Cloud): Promise<void> {
  const proxy = await proxies.get(cloud);
  proxies.delete(cloud);
  await proxy?.destroy();
}

export const isDelivered = ({ status }: Outcome) => status >= 200 && status < 300;

/** Canonical code of an answer. Source: google/rpc/code.proto. */
const CODES: Readonly<Record<number, number>> = {
  ...{ 400: 3, 401: 16, 403: 7, 404: 5, 409: 10, 429: 8, 499: 1, 500: 13, 501: 12, 503: 14, 504: 4 },
};
export const codeOf = (outcome: Outcome) => (isDelivered(outcome) ? 0 : (CODES[outcome.status] ?? 2));

/**
 * Seconds before the next attempt after `failures` of them: doubled `doublings` times, then longer by the same step each
 * time. Source: field max_doublings of Cloud Tasks' RetryConfig, with 10, 20, 40, 80, 160, 240, 300, … as its example.
 */
export function backoff(failures: number, least: number, most: number, doublings: number): number {
  const step = least * 2 ** Math.min(failures - 1, doublings);
  const linear = Math.max(0, failures - 1 - doublings);
  return Math.min(step * (linear + 1), most);
}
