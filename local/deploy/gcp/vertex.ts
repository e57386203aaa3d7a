/** Vertex AI: endpoints for online prediction, schedules of pipeline runs. */
import { isObject, type Properties, text, type Value } from "../values";
import type { Context, Descriptor, Inputs } from "./descriptor";
import { listAll } from "./http";
import { toRest, type Shape } from "./shape";
import { inLocation, masks, PLACE, policyMember, standard } from "./standard";

const api = (inputs: Inputs) => `https://${text(inputs.location)}-aiplatform.googleapis.com/v1beta1`;
const plain: Shape[string] = { type: "string" };

const endpoint: Descriptor = standard({
  type: "gcp:vertex/aiEndpoint:AiEndpoint",
  source: "aiplatform.v1beta1 projects.locations.endpoints; google_vertex_ai_endpoint",
  api,
  shape: {
    ...PLACE,
    region: { type: "string", rest: false, local: true },
    name: { type: "string", rest: false, required: true, replaces: true },
    displayName: { type: "string", required: true },
    description: plain,
    labels: { type: "map" },
    network: { type: "string", replaces: true },
    encryptionSpec: { type: "object", replaces: true, fields: { kmsKeyName: { type: "string", required: true } } },
    dedicatedEndpointEnabled: { type: "boolean" },
  },
  name: (inputs) => `${inLocation(inputs)}/endpoints/${text(inputs.name)}`,
  idParameter: "endpointId",
  outputs: Object.fromEntries(
    ["createTime", "updateTime", "etag", "deployedModels", "dedicatedEndpointDns", "modelDeploymentMonitoringJob"].map(
      (output) => [output, output],
    ),
  ),
  labelled: true,
  hasDeletionPolicy: true,
  check: ({ name }) =>
    /^[1-9]\d{0,9}$/.test(text(name))
      ? []
      : [{ property: "name", reason: `got ${text(name)}; expected a number of up to 10 digits without leading zeros` }],
});

const pipelineJob: Shape = {
  displayName: plain,
  templateUri: plain,
  pipelineSpec: { type: "string", json: true },
  serviceAccount: plain,
  network: plain,
  labels: { type: "map" },
  runtimeConfig: {
    type: "object",
    fields: {
      gcsOutputDirectory: { type: "string", required: true },
      parameterValues: { type: "map" },
      failurePolicy: plain,
    },
  },
};

const scheduleShape: Shape = {
  ...PLACE,
  displayName: { type: "string", required: true },
  cron: { type: "string", required: true },
  maxConcurrentRunCount: { type: "string", required: true },
  maxRunCount: plain,
  startTime: { type: "string", computed: true },
  endTime: plain,
  allowQueueing: { type: "boolean" },
  createPipelineJobRequest: {
    type: "object",
    required: true,
    fields: { parent: { type: "string", computed: true }, pipelineJob: { type: "object", fields: pipelineJob } },
  },
  desiredState: { type: "string", rest: false, default: "ACTIVE", allowed: ["ACTIVE", "PAUSED"] },
};

const parent = (inputs: Inputs) => `${api(inputs)}/${inLocation(inputs)}`;
const scheduleUrl = (inputs: Inputs, outputs: Properties) => `${parent(inputs)}/schedules/${text(outputs.name)}`;

/** Jobs are made in the schedule's own place unless the program says another. */
function scheduleBody(inputs: Inputs): Properties {
  const body = toRest(scheduleShape, inputs);
  const request = isObject(body.createPipelineJobRequest) ? body.createPipelineJobRequest : {};
  return { ...body, createPipelineJobRequest: { parent: inLocation(inputs), ...request } };
}

async function toDesiredState({ http }: Context, inputs: Inputs, found: Properties): Promise<Properties> {
  const wanted = inputs.desiredState === "PAUSED" ? "PAUSED" : "ACTIVE";
  if (text(found.state) === wanted) return found;
  const url = `${api(inputs)}/${text(found.name)}`;
  await http.call({ method: "POST", url: `${url}:${wanted === "PAUSED" ? "pause" : "resume"}`, body: {} });
  return http.call({ method: "GET", url });
}

/** The service draws a schedule's number, so that its name is known only from the answer. */
const schedule: Descriptor = {
  type: "gcp:colab/schedule:Schedule",
  source: "aiplatform.v1beta1 projects.locations.schedules; google_colab_schedule",
  shape: scheduleShape,
  outputs: {
    name: ({ name }) => text(name).split("/").at(-1)!,
    ...Object.fromEntries(
      ["state", "createTime", "updateTime", "nextRunTime", "startedRunCount", "catchUp"].map((output) => [
        output,
        output,
      ]),
    ),
  },
  hasDeletionPolicy: true,
  id: (inputs) => `${inLocation(inputs)}/schedules`,
  idOf: ({ name }, inputs) => `${inLocation(inputs)}/schedules/${text(name).split("/").at(-1)!}`,
  made: ({ http }, inputs) => listAll(http, `${parent(inputs)}/schedules`, "schedules"),
  create: async (context, inputs) => {
    const url = `${parent(inputs)}/schedules`;
    return toDesiredState(
      context,
      inputs,
      await context.http.call({ method: "POST", url, body: scheduleBody(inputs) }),
    );
  },
  read: ({ http }, inputs, outputs) => http.find(scheduleUrl(inputs, outputs)),
  update: async (context, { news, outputs, changes }) => {
    const url = scheduleUrl(news, outputs);
    const [updateMask] = masks(scheduleShape, changes, "masked");
    const found = updateMask
      ? await context.http.call({ method: "PATCH", url, query: { updateMask }, body: scheduleBody(news) })
      : await context.http.call({ method: "GET", url });
    return toDesiredState(context, news, found);
  },
  delete: async ({ http }, inputs, outputs, { timeout }) => {
    const answer = await http.remove(scheduleUrl(inputs, outputs));
    if (answer) await http.wait(answer, api(inputs), timeout);
  },
};

const bare = (name: Value) => text(name).split("/").at(-1) ?? "";
const endpointName = (inputs: Inputs) => `${inLocation(inputs)}/endpoints/${bare(inputs.endpoint ?? "")}`;
const member: Descriptor = policyMember({
  type: "gcp:vertex/aiEndpointIamMember:AiEndpointIamMember",
  source: "aiplatform.v1beta1 endpoints.setIamPolicy; google_vertex_ai_endpoint_iam_member",
  shape: {
    ...PLACE,
    endpoint: { type: "string", rest: false, required: true, replaces: true, same: (a, b) => bare(a) === bare(b) },
  },
  resource: endpointName,
  url: (inputs) => `${api(inputs)}/${endpointName(inputs)}`,
  read: "POST without body",
});

export const VERTEX: readonly Descriptor[] = [endpoint, schedule, member];
