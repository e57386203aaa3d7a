/**
 * The address of an environment's Airflow: checks who calls by their access token, and passes the request on to Airflow
 * in that person's name. Source: https://cloud.google.com/composer/docs/composer-3/access-airflow-api
 */
import { request as ask, type IncomingMessage, type ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import type { Cloud } from "../../cloud";
import { ApiError } from "../../errors";
import { textOf } from "../../json";
import type { Addresses, JsonObject } from "../../service";
import { airflowsOf } from "./airflows";
import { airflowUri } from "./places";

const HOST = /^[0-9a-f]{32}-dot-[a-z0-9-]+\.composer\.googleusercontent\.com$/;
const PERMISSION = "composer.environments.get";
/** What concerns one connection only, and what Airflow is told in its own way. */
const LEFT_OUT = [
  ...["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"],
  ...["http2-settings", "authorization", "cookie"],
];

export const addresses: Addresses = {
  serves: (host) => HOST.test(host),
  http: async (host, { request, response }, cloud) => {
    const environment = await environmentAt(host, cloud);
    const name = textOf(environment.name);
    const principal = await cloud.principals.resolve(request.headers.authorization, host);
    const resource = `//composer.googleapis.com/${name}`;
    await cloud.access.require({ principal, permission: PERMISSION, resource, method: "composer.airflow" });
    const { run } = await airflowsOf(cloud).use(environment);
    await pass(run.port, run.authorization(principal.email), host, request, response);
    return { method: `${name}:airflow`, principal };
  },
};

async function environmentAt(host: string, cloud: Cloud): Promise<JsonObject> {
  for (const { key, value } of await cloud.store.list(`projects/${cloud.project.id}/locations/`)) {
    if (/\/environments\/[^/]+$/.test(key) && new URL(airflowUri(value)).hostname === host) return value;
  }
  throw new ApiError("NOT_FOUND", `No environment has its Airflow at https://${host}.`);
}

async function pass(
  port: number,
  authorization: string,
  host: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const kept = Object.entries(request.headers).filter(([name]) => !name.startsWith(":") && !LEFT_OUT.includes(name));
  const headers = { ...Object.fromEntries(kept), host, authorization, "x-forwarded-proto": "https" };
  const asked = ask({ host: "127.0.0.1", port, method: request.method, path: request.url, headers });
  const answered = new Promise<IncomingMessage>((resolve, reject) =>
    asked.once("response", resolve).once("error", reject),
  );
  try {
    const [answer] = await Promise.all([answered, pipeline(request, asked)]);
    const given = Object.entries(answer.headers).filter(([name]) => !LEFT_OUT.includes(name));
    response.writeHead(answer.statusCode ?? 502, Object.fromEntries(given));
    await pipeline(answer, response);
  } catch (error) {
    if (response.destroyed) throw new ApiError("CANCELLED", "The client closed the connection.");
    throw new ApiError("UNAVAILABLE", `Airflow did not answer: ${(error as Error).message}. Try again.`);
  }
}
