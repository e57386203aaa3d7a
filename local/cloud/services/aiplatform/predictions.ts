/** Online predictions: a deployed model is chosen by the endpoint's shares of traffic, and its server asked. */
import { buffer } from "node:stream/consumers";
import type { Cloud } from "../../cloud";
import { ApiError, STATUS, type Status } from "../../errors";
import { textOf } from "../../json";
import { HANDLED, type Call, type Json, type JsonObject } from "../../service";
import { requireStored } from "../references";
import { modelServer, predicted, type Answer } from "./model-server";
import { modelVersion } from "./models";

/** Source: https://cloud.google.com/vertex-ai/docs/predictions/get-online-predictions */
const LARGEST_BODY = 1_500_000;

export async function predict(call: Call, cloud: Cloud): Promise<Json> {
  const body = Buffer.from(JSON.stringify(call.body));
  const deployed = await chosen(call, cloud);
  const answer = await askModel(call, deployed, body, { "content-type": "application/json" }, cloud);
  const text = answer.body.toString("utf8");
  // Vertex AI hands on what the model's server says of a request that it refuses.
  if (answer.status !== 200) throw new ApiError(statusOf(answer.status), text, [], answer.status);
  const { version } = await modelVersion(`${textOf(deployed.model)}@${textOf(deployed.modelVersionId)}`, cloud);
  return {
    ...predictionsIn(text),
    deployedModelId: textOf(deployed.id),
    model: textOf(deployed.model),
    modelDisplayName: textOf(version.displayName),
    modelVersionId: textOf(deployed.modelVersionId),
  };
}

/** The body goes to the server and its answer back as they are. */
export async function rawPredict(call: Call, cloud: Cloud): Promise<typeof HANDLED> {
  const { request, response } = call.http!;
  const deployed = await chosen(call, cloud);
  const body = await buffer(request);
  const type = request.headers["content-type"] ?? "application/json";
  const { status, headers, body: answer } = await askModel(call, deployed, body, { "content-type": type }, cloud);
  response.writeHead(status, {
    "content-type": headers["content-type"] ?? "application/octet-stream",
    "content-length": answer.length,
    "x-vertex-ai-endpoint-id": textOf(call.path.endpoint).split("/").at(-1)!,
    "x-vertex-ai-deployed-model-id": textOf(deployed.id),
  });
  response.end(answer);
  return HANDLED;
}

async function askModel(
  call: Call,
  deployed: JsonObject,
  body: Buffer,
  headers: { "content-type": string },
  cloud: Cloud,
): Promise<Answer> {
  if (body.length > LARGEST_BODY)
    throw new ApiError("INVALID_ARGUMENT", `Request payload size exceeds the limit: ${LARGEST_BODY} bytes.`);
  return predicted(await modelServer(textOf(call.path.endpoint), deployed, cloud), body, headers, cloud);
}

/** Requests so far by endpoint: shares are kept to the request, not by chance. */
const asked = new WeakMap<Cloud, Map<string, number>>();

async function chosen(call: Call, cloud: Cloud): Promise<JsonObject> {
  const name = textOf(call.path.endpoint);
  const endpoint = await requireStored(name, cloud);
  const models = (endpoint.deployedModels ?? []) as JsonObject[];
  const shares = Object.entries((endpoint.trafficSplit ?? {}) as JsonObject).filter(([, share]) => Number(share) > 0);
  if (models.length === 0 || shares.length === 0)
    throw new ApiError("FAILED_PRECONDITION", `Endpoint '${name}' has no deployed model with traffic. Deploy a model.`);
  const counts = asked.get(cloud) ?? new Map<string, number>();
  asked.set(cloud, counts);
  const count = counts.get(name) ?? 0;
  counts.set(name, count + 1);
  // 37 shares no factor with 100, so that every share of a hundred requests is spread over them.
  let place = (count * 37) % 100;
  const [id] = shares.find(([, share]) => (place -= Number(share)) < 0)!;
  return models.find((model) => textOf(model.id) === id)!;
}

function predictionsIn(text: string): JsonObject {
  try {
    const { predictions, metadata } = JSON.parse(text) as JsonObject;
    if (Array.isArray(predictions)) return { predictions, ...(metadata !== undefined && { metadata }) };
  } catch {
    // Said below: to the client a text that is no JSON is the same as one without predictions.
  }
  throw new ApiError("INTERNAL", `The model's server answered ${text.slice(0, 200)}; expected {"predictions": [...]}.`);
}

const statusOf = (http: number): Status =>
  (Object.keys(STATUS) as Status[]).find((status) => STATUS[status].http === http) ??
  (http < 500 ? "INVALID_ARGUMENT" : "INTERNAL");
