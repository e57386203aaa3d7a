/**
 * What serves a deployed model: the container of its version as a process of its own, by Vertex AI's contract.
 * Source: https://cloud.google.com/vertex-ai/docs/predictions/custom-container-requirements
 */
import { request as ask, type IncomingHttpHeaders } from "node:http";
import { buffer } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import type { Cloud } from "../../cloud";
import { ApiError } from "../../errors";
import { textOf } from "../../json";
import type { JsonObject } from "../../service";
import { variablesOf, type Deployment } from "../run/deployment";
import { imageProgram } from "../run/images";
import { instancesOf } from "../run/instances";
import { modelVersion } from "./models";

/** Vertex AI's own limit of an answer's time. */
const PREDICT_MS = 600_000;
const HEALTH_EVERY_MS = 100;
const HEALTHY_WITHIN_MS = 240_000;
/** Of the smallest machine that models are served on. */
const MEMORY_MB = 2048;

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export interface ModelServer {
  deployment: Deployment;
  predictRoute: string;
  healthRoute: string;
}

/** @param deployed as the endpoint holds it, or will */
export async function modelServer(endpoint: string, deployed: JsonObject, cloud: Cloud): Promise<ModelServer> {
  const model = `${textOf(deployed.model).split("@")[0]}@${textOf(deployed.modelVersionId)}`;
  const { version } = await modelVersion(model, cloud);
  const container = (version.containerSpec ?? {}) as JsonObject;
  const [, project, , , , endpointId] = endpoint.split("/");
  const id = textOf(deployed.id);
  const route = `/v1/endpoints/${endpointId}/deployedModels/${id}`;
  const predictRoute = textOf(container.predictRoute) || `${route}:predict`;
  const healthRoute = textOf(container.healthRoute) || route;
  const [port = {}] = (container.ports ?? []) as JsonObject[];
  const containerPort = Number(port.containerPort ?? 8080);
  const environment = {
    ...variablesOf(container),
    AIP_MODE: "PREDICTION",
    AIP_HTTP_PORT: String(containerPort),
    AIP_PREDICT_ROUTE: predictRoute,
    AIP_HEALTH_ROUTE: healthRoute,
    AIP_STORAGE_URI: textOf(version.artifactUri),
    AIP_PROJECT_NUMBER: cloud.project.number,
    AIP_ENDPOINT_ID: endpointId!,
    AIP_DEPLOYED_MODEL_ID: id,
    AIP_FRAMEWORK: "CUSTOM_CONTAINER",
    GOOGLE_CLOUD_PROJECT: project!,
  };
  const deployment: Deployment = {
    ...{ name: `${endpoint}/deployedModels/${id}`, revision: `model-${endpointId}-${id}` },
    title: `Deployed model ${id} of ${endpoint}`,
    ...{ account: textOf(deployed.serviceAccount), environment, memoryMb: MEMORY_MB, port: containerPort },
    program: async () => imageProgram(textOf(container.imageUri), cloud),
  };
  return { deployment, predictRoute, healthRoute };
}

/** Starts the server unless it runs; resolves when it says that it is healthy. */
export async function whenHealthy({ deployment, healthRoute }: ModelServer, cloud: Cloud): Promise<void> {
  await instancesOf(cloud).use(deployment, async (socket) => {
    const last = Date.now() + HEALTHY_WITHIN_MS;
    for (;;) {
      const { status } = await sent(socket, "GET", healthRoute, {}, undefined, HEALTHY_WITHIN_MS);
      if (status === 200) return;
      if (Date.now() > last)
        throw new ApiError(
          "FAILED_PRECONDITION",
          `${deployment.title}: model server never became ready: GET ${healthRoute} answered ${status}; expected 200.`,
        );
      await pause(HEALTH_EVERY_MS);
    }
  });
}

/** One request to the server's predict route; a prediction changes nothing, so that it is asked again of a new server. */
export async function predicted(
  { deployment, predictRoute }: ModelServer,
  body: Buffer,
  headers: IncomingHttpHeaders,
  cloud: Cloud,
): Promise<Answer> {
  const once = () =>
    instancesOf(cloud).use(deployment, (socket) =>
      sent(socket, "POST", predictRoute, headers, body, PREDICT_MS).catch((error: Error) => {
        const isLate = error.name === "TimeoutError" || error.name === "AbortError";
        const what = isLate ? "did not answer in time" : `ended before it answered (${error.message})`;
        throw new ApiError(isLate ? "DEADLINE_EXCEEDED" : "UNAVAILABLE", `${deployment.title}: ${what}.`);
      }),
    );
  try {
    return await once();
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== "UNAVAILABLE") throw error;
    return once();
  }
}

function sent(
  socketPath: string,
  method: string,
  path: string,
  headers: IncomingHttpHeaders,
  body: Buffer | undefined,
  milliseconds: number,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const length = body ? { "content-length": body.length } : {};
    const signal = AbortSignal.timeout(milliseconds);
    const asked = ask({ socketPath, method, path, headers: { ...headers, ...length, host: "model" }, signal });
    asked.once("error", reject);
    asked.once("response", (answer) => {
      const { statusCode: status = 502, headers: answered } = answer;
      buffer(answer).then((text) => resolve({ status, headers: answered, body: text }), reject);
    });
    asked.end(body);
  });
}
