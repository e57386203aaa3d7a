/** Endpoints of Vertex AI: where models are served; one that serves cannot be deleted. */
import { badRequest } from "../../contract/validate";
import { ApiError } from "../../errors";
import { isObject, textOf } from "../../json";
import type { Hook, JsonObject, ResourceType } from "../../service";

export const endpointType = (version: "v1" | "v1beta1"): ResourceType => ({
  collection: "aiplatform.projects.locations.endpoints",
  schema: `GoogleCloudAiplatform${version === "v1" ? "V1" : "V1beta1"}Endpoint`,
  listField: "endpoints",
  name: "projects/{project}/locations/{location}/endpoints/{id}",
  id: { query: "endpointId", otherwise: "number" },
  idPattern: /^([1-9]\d{0,18}|[a-z][a-z0-9-]{0,61}[a-z0-9])$/,
  required: ["displayName"],
  immutable: ["network", "encryptionSpec"],
  serverSet: {
    dedicatedEndpointDns: ({ resource, cloud }) =>
      resource.dedicatedEndpointEnabled === true ? dns(resource, cloud.project.number) : (undefined as never),
  },
  operations: {
    ...{ create: true, delete: true },
    responseType: `google.cloud.aiplatform.${version}.Endpoint`,
  },
  policy: true,
  before: { create: checkTraffic, patch: checkTraffic, delete: refuseServing },
  source: "https://cloud.google.com/vertex-ai/docs/reference/rest/v1beta1/projects.locations.endpoints",
});

/** Where deployments are that are under way. */
export const DEPLOYING = "aiplatform/deploying/";
export const deployingKey = (endpoint: string, id = "") => `${DEPLOYING}${endpoint}/${id}`;

const modelsOf = ({ deployedModels }: JsonObject) => (deployedModels ?? []) as JsonObject[];

/** Shares of traffic go to models that are deployed, and are all of it or nothing. */
export function shareProblems(trafficSplit: JsonObject, known: readonly string[]) {
  const shares = Object.entries(trafficSplit);
  const strangers = shares.filter(([id]) => !known.includes(id)).map(([id]) => id);
  const sum = shares.reduce((total, [, share]) => total + Number(share), 0);
  const problems = [
    ...(strangers.length > 0
      ? [`Models ${strangers.join(", ")} are not deployed; deployed: ${known.join(", ") || "none"}.`]
      : []),
    ...(shares.length > 0 && sum !== 100 ? [`Shares add up to ${sum}; expected 100.`] : []),
  ];
  return problems.map((description) => ({ field: "endpoint.traffic_split", description }));
}

function checkTraffic({ current, next }: Parameters<Hook>[0]): void {
  if (!isObject(next.trafficSplit)) return;
  const known = modelsOf(current ?? {}).map(({ id }) => textOf(id));
  const problems = shareProblems(next.trafficSplit, known);
  if (problems.length > 0) throw badRequest(problems);
}

async function refuseServing({ current, cloud }: Parameters<Hook>[0]): Promise<void> {
  const begun = await cloud.store.list(deployingKey(textOf(current!.name)));
  const models = [...modelsOf(current ?? {}), ...begun.map(({ value }) => value.deployed as JsonObject)].map(({ id }) =>
    textOf(id),
  );
  if (models.length === 0) return;
  throw new ApiError(
    "FAILED_PRECONDITION",
    `Endpoint "${textOf(current!.name)}" has deployed or being-deployed DeployedModel(s) with ID(s): ${models.join(", ")}. Undeploy them first.`,
  );
}

function dns(resource: JsonObject, number: string): string {
  const [, , , region, , id] = textOf(resource.name).split("/");
  return `${id}.${region}-${number}.prediction.vertexai.goog`;
}
