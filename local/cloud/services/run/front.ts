/**
 * The addresses of services and functions: finds the service of a host, checks the caller's identity token, audience
 * and role, and passes the request on to the service's instance.
 * Source: https://cloud.google.com/run/docs/authenticating/service-to-service
 */
import { request as ask, type IncomingMessage, type ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import type { Cloud } from "../../cloud";
import { ApiError } from "../../errors";
import { textOf } from "../../json";
import type { Addresses, JsonObject, Principal } from "../../service";
import { functionUrl } from "./addresses";
import { serviceDeployment } from "./deployment";
import { instancesOf } from "./instances";
import { isManaged } from "./managed";
import { RUN_KEYS } from "./services";

const NOBODY: Principal = { kind: "anonymous", email: "", via: "none" };
/** What concerns one connection only. Source: RFC 9110, section 7.6.1. */
const HOP = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
];

export const addresses: Addresses = {
  serves: (host) => /^[a-z0-9-]+(\.a|\.[a-z0-9-]+)\.run\.app$|^[a-z0-9-]+\.cloudfunctions\.net$/.test(host),
  http: async (host, { request, response }, cloud) => {
    const { service, path } = await serviceAt(host, request.url ?? "/", cloud);
    const principal = await authorize(service, request, cloud);
    await pass(service, path, host, request, response, cloud);
    return { method: `${textOf(service.name)}:invoke`, principal };
  },
};

/** A function answers below its name at the shared host of its region; the function itself sees the rest of the path. */
async function serviceAt(host: string, url: string, cloud: Cloud): Promise<{ service: JsonObject; path: string }> {
  for (const { value } of await cloud.store.list(`${RUN_KEYS}projects/`)) {
    const urls = (value.urls ?? []) as string[];
    if (urls.some((address) => new URL(address).hostname === host)) return { service: value, path: url };
    if (!isManaged(value)) continue;
    const shared = new URL(functionUrl(textOf(value.name).replace("/services/", "/functions/"), cloud));
    const rest = url.slice(shared.pathname.length);
    if (shared.hostname === host && url.startsWith(shared.pathname) && /^([/?]|$)/.test(rest))
      return { service: value, path: rest.startsWith("/") ? rest : `/${rest}` };
  }
  throw new ApiError("NOT_FOUND", `No service or function is deployed at https://${host}${url.split("?")[0]}.`);
}

async function authorize(service: JsonObject, { headers }: IncomingMessage, cloud: Cloud): Promise<Principal> {
  const name = `//run.googleapis.com/${textOf(service.name)}`;
  const ask = { permission: "run.routes.invoke", resource: name, method: "run.invoke" };
  const may = (principal: Principal) => cloud.access.permits({ ...ask, principal });
  // The second header is for services that read the first one themselves.
  const given = headers["x-serverless-authorization"] ?? headers.authorization;
  const token = /^Bearer +(\S+)$/i.exec(textOf(given))?.[1];
  if (!token) {
    if (service.invokerIamDisabled === true || (await may(NOBODY))) return NOBODY;
    throw new ApiError(
      "UNAUTHENTICATED",
      `${textOf(service.uri)}: got no identity token; expected one in Authorization: Bearer.`,
    );
  }
  const { principal, audience } = cloud.principals.readIdentityToken(token);
  const expected = audiencesOf(service, cloud);
  // A person's token is for the client that they signed in with, as `gcloud auth print-identity-token` gives it.
  if (principal.kind !== "user" && !expected.includes(audience))
    throw new ApiError(
      "UNAUTHENTICATED",
      `${textOf(service.uri)}: got an identity token for the audience ${audience}; expected one of ${expected.join(", ")}.`,
    );
  if (service.invokerIamDisabled === true || (await may(principal))) return principal;
  throw new ApiError(
    "PERMISSION_DENIED",
    `${principal.email} does not have the permission run.routes.invoke on ${textOf(service.name)}; roles/run.invoker has it.`,
  );
}

function audiencesOf(service: JsonObject, cloud: Cloud): string[] {
  const own = [...((service.urls ?? []) as string[]), ...((service.customAudiences ?? []) as string[])];
  return isManaged(service)
    ? [...own, functionUrl(textOf(service.name).replace("/services/", "/functions/"), cloud)]
    : own;
}

async function pass(
  service: JsonObject,
  path: string,
  host: string,
  request: IncomingMessage,
  response: ServerResponse,
  cloud: Cloud,
): Promise<void> {
  const seconds = Number(textOf((service.template as JsonObject).timeout).replace(/s$/, ""));
  await instancesOf(cloud).use(serviceDeployment(service, cloud), async (socket) => {
    const asked = ask({
      socketPath: socket,
      method: request.method,
      path,
      headers: { ...forwarded(request), host },
      signal: AbortSignal.timeout(seconds * 1000),
    });
    const answered = new Promise<IncomingMessage>((resolve, reject) =>
      asked.once("response", resolve).once("error", reject),
    );
    // A service may refuse what it has not read to the end; what else goes wrong with sending is an error of the request.
    pipeline(request, asked).catch(() => undefined);
    try {
      const answer = await answered;
      const headers = Object.entries(answer.headers).filter(([name]) => !HOP.includes(name));
      response.writeHead(answer.statusCode ?? 502, Object.fromEntries(headers));
      await pipeline(answer, response);
    } catch (error) {
      throw failure(error as Error, seconds, service, response);
    }
  });
}

/** The service learns who called by the token, but cannot use it again: its signature is taken off. */
function forwarded({ headers }: IncomingMessage): Record<string, string | string[]> {
  const kept = Object.entries(headers).filter(
    ([name, value]) =>
      value !== undefined && !name.startsWith(":") && !HOP.includes(name) && name !== "x-serverless-authorization",
  ) as [string, string | string[]][];
  const result = Object.fromEntries(kept);
  if (typeof result.authorization === "string")
    result.authorization = result.authorization.replace(/\.[^.]*$/, ".SIGNATURE_REMOVED_BY_GOOGLE");
  return { ...result, "x-forwarded-for": "127.0.0.1", "x-forwarded-proto": "https" };
}

function failure(error: Error, seconds: number, service: JsonObject, response: ServerResponse): ApiError {
  if (response.destroyed) return new ApiError("CANCELLED", "The client closed the connection.");
  if (error.name === "TimeoutError" || error.name === "AbortError")
    return new ApiError("DEADLINE_EXCEEDED", `${textOf(service.uri)}: did not answer within ${seconds} seconds.`);
  return new ApiError(
    "UNAVAILABLE",
    `${textOf(service.uri)}: its instance ended before it answered (${error.message}).`,
  );
}
