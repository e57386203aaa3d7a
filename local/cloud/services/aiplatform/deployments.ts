/**
 * Deployment of models at endpoints. What is asked is durable before the answer; the endpoint shows a model once its
 * server is healthy; a cloud that starts again finishes what was under way and starts the servers of what is deployed.
 * Source: EndpointService in google/cloud/aiplatform/v1/endpoint_service.proto.
 */
import type { Cloud } from "../../cloud";
import { badRequest } from "../../contract/validate";
import { operationError } from "../../engine/operations";
import { ApiError } from "../../errors";
import { isObject, textOf } from "../../json";
import type { Call, Json, JsonObject } from "../../service";
import { requireActAs, requireStored } from "../references";
import { unknownImage } from "../run/images";
import { instancesOf } from "../run/instances";
import { DEPLOYING, deployingKey, shareProblems } from "./endpoints";
import { modelServer, whenHealthy } from "./model-server";
import { modelVersion } from "./models";
import { taskId } from "./pipelines/step";

/** Endpoints that serve, so that a start need not look through everything. */
const SERVING = "aiplatform/serving/";
const RESOURCES = ["dedicatedResources", "automaticResources", "sharedResources"];

interface Pending extends JsonObject {
  endpoint: string;
  deployed: JsonObject;
  /** Shares of traffic after the deployment; empty leaves them. */
  trafficSplit: JsonObject;
  operation: string;
}

const modelsOf = (endpoint: JsonObject) => (endpoint.deployedModels ?? []) as JsonObject[];

export class Deployments {
  private readonly going = new Set<Promise<void>>();
  private isClosing = false;

  constructor(private readonly cloud: Cloud) {}

  async deploy(call: Call): Promise<Json> {
    const { cloud } = this;
    const name = textOf(call.path.endpoint);
    const endpoint = await requireStored(name, cloud);
    const sent = isObject(call.body.deployedModel) ? call.body.deployedModel : {};
    const { version } = await modelVersion(textOf(sent.model), cloud);
    const createTime = cloud.now().toISOString();
    const id = textOf(sent.id) || taskId(name, `${textOf(version.name)}@${textOf(version.versionId)}/${createTime}`);
    const shares = Object.entries((call.body.trafficSplit ?? {}) as JsonObject);
    const trafficSplit = Object.fromEntries(shares.map(([key, share]) => [key === "0" ? id : key, share]));
    const known = modelsOf(endpoint).map((model) => textOf(model.id));
    const problems = [...deployProblems(sent, version, known), ...shareProblems(trafficSplit, [...known, id])];
    if (problems.length > 0) throw badRequest(problems);
    const image = textOf((version.containerSpec as JsonObject).imageUri);
    if (!cloud.engines.images.list()[image]) throw unknownImage(image, cloud);
    await requireActAs(textOf(sent.serviceAccount), call, cloud);
    const deployed: JsonObject = {
      ...sent,
      ...{ id, createTime, model: textOf(version.name), modelVersionId: textOf(version.versionId) },
      displayName: textOf(sent.displayName) || textOf(version.displayName),
    };
    const metadata = { "@type": typeOf("DeployModelOperationMetadata"), genericMetadata: times(createTime) };
    // In turn with the endpoint's deletion: what is deleted has nothing under way.
    return cloud.store.exclusive(name, async () => {
      await requireStored(name, cloud);
      const operation = await cloud.operations.start({ parent: name, id, metadata, call });
      const pending: Pending = { endpoint: name, deployed, trafficSplit, operation: textOf(operation.name) };
      await cloud.store.write({ put: { [deployingKey(name, id)]: pending } });
      this.begin(() => this.finish(pending));
      return operation;
    });
  }

  async undeploy(call: Call): Promise<Json> {
    const { cloud } = this;
    const [name, id] = [textOf(call.path.endpoint), textOf(call.body.deployedModelId)];
    await cloud.store.exclusive(name, async () => {
      const endpoint = await requireStored(name, cloud);
      const rest = modelsOf(endpoint).filter((model) => textOf(model.id) !== id);
      if (rest.length === modelsOf(endpoint).length)
        throw new ApiError("NOT_FOUND", `DeployedModel '${id}' was not found at Endpoint '${name}'.`);
      const sent = call.body.trafficSplit as JsonObject | undefined;
      const trafficSplit = { ...(sent && Object.keys(sent).length > 0 ? sent : (endpoint.trafficSplit as JsonObject)) };
      const share = Number(trafficSplit[id] ?? 0);
      delete trafficSplit[id];
      if (share > 0 && rest.length > 0)
        throw new ApiError(
          "FAILED_PRECONDITION",
          `DeployedModel '${id}' has ${share}% of the traffic of Endpoint '${name}'; expected 0%. Give a traffic_split without it.`,
        );
      const problems = shareProblems(
        trafficSplit,
        rest.map((model) => textOf(model.id)),
      );
      if (problems.length > 0) throw badRequest(problems);
      const updateTime = cloud.now().toISOString();
      const next = { ...endpoint, deployedModels: rest, trafficSplit, updateTime };
      await cloud.store.write({ put: { [name]: next }, delete: rest.length === 0 ? [SERVING + name] : [] });
    });
    instancesOf(cloud).end(`${name}/deployedModels/${id}`);
    const metadata = {
      "@type": typeOf("UndeployModelOperationMetadata"),
      genericMetadata: times(cloud.now().toISOString()),
    };
    return cloud.operations.done({
      parent: name,
      response: { "@type": typeOf("UndeployModelResponse") },
      metadata,
      call,
    });
  }

  /** Deployments under way go on; servers of deployed models are started before somebody asks them. */
  async recover(): Promise<void> {
    const { cloud } = this;
    for (const { value } of await cloud.store.list(DEPLOYING)) this.begin(() => this.finish(value as Pending));
    for (const { value } of await cloud.store.list(SERVING)) {
      const endpoint = textOf(value.endpoint);
      for (const deployed of modelsOf(await requireStored(endpoint, cloud)))
        this.begin(async () => whenHealthy(await modelServer(endpoint, deployed, cloud), cloud));
    }
  }

  async close(): Promise<void> {
    this.isClosing = true;
    await instancesOf(this.cloud).close();
    await Promise.all([...this.going]);
  }

  private begin(work: () => Promise<void>): void {
    const end: Promise<void> = work()
      .catch((error: unknown) => this.cloud.log.error({ err: error }, "a deployed model does not serve"))
      .finally(() => this.going.delete(end));
    this.going.add(end);
  }

  private async finish({ endpoint, deployed, trafficSplit, operation }: Pending): Promise<void> {
    const { cloud } = this;
    const key = deployingKey(endpoint, textOf(deployed.id));
    try {
      await whenHealthy(await modelServer(endpoint, deployed, cloud), cloud);
    } catch (error) {
      // A cloud that is being shut down has not failed to deploy; the next one does it.
      if (this.isClosing) return;
      const { message } = error as Error;
      await cloud.operations.fail(operation, operationError(new ApiError("FAILED_PRECONDITION", message)));
      await cloud.store.write({ delete: [key] });
      instancesOf(cloud).end(`${endpoint}/deployedModels/${textOf(deployed.id)}`);
      return;
    }
    await cloud.store.exclusive(endpoint, async () => {
      const current = await requireStored(endpoint, cloud);
      const others = modelsOf(current).filter(({ id }) => id !== deployed.id);
      const next = {
        ...{ ...current, deployedModels: [...others, deployed], updateTime: cloud.now().toISOString() },
        ...(Object.keys(trafficSplit).length > 0 ? { trafficSplit } : {}),
      };
      await cloud.store.write({ put: { [endpoint]: next, [SERVING + endpoint]: { endpoint } } });
    });
    await cloud.operations.finish(operation, { "@type": typeOf("DeployModelResponse"), deployedModel: deployed });
    await cloud.store.write({ delete: [key] });
  }
}

function deployProblems(sent: JsonObject, version: JsonObject, known: readonly string[]) {
  const resources = RESOURCES.filter((field) => sent[field] !== undefined);
  const problems: [boolean, string, string][] = [
    [
      resources.length !== 1,
      "deployed_model.prediction_resources",
      `got ${resources.join(", ") || "none"}; expected exactly one of ${RESOURCES.join(", ")}.`,
    ],
    [known.includes(textOf(sent.id)), "deployed_model.id", `'${textOf(sent.id)}' is already deployed here.`],
    [
      !isObject(version.containerSpec) || textOf(version.containerSpec.imageUri) === "",
      "deployed_model.model",
      `version ${textOf(version.versionId)} of ${textOf(version.name)} has no container that serves it.`,
    ],
    [
      textOf(sent.serviceAccount) === "",
      "deployed_model.service_account",
      "got none; expected the account that reads the model's artifacts: this cloud keeps no copy of them.",
    ],
  ];
  return problems.filter(([isWrong]) => isWrong).map(([, field, description]) => ({ field, description }));
}

const typeOf = (message: string) => `type.googleapis.com/google.cloud.aiplatform.v1.${message}`;
const times = (time: string): JsonObject => ({ createTime: time, updateTime: time });
