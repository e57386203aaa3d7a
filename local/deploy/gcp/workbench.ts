/** Notebook machines of Vertex AI Workbench. */
import { text } from "../values";
import type { Context, Descriptor, Inputs } from "./descriptor";
import type { Shape } from "./shape";
import { inLocation, PLACE, standard } from "./standard";

const API = "https://notebooks.googleapis.com/v2";

const plain: Shape[string] = { type: "string" };
const chosen: Shape[string] = { type: "string", computed: true };
const fixed: Shape[string] = { type: "string", computed: true, replaces: true };

const disk: Shape = {
  diskSizeGb: chosen,
  diskType: fixed,
  diskEncryption: fixed,
  kmsKey: { ...plain, replaces: true },
};

const gceSetup: Shape = {
  machineType: chosen,
  bootDisk: { type: "object", computed: true, fields: disk },
  dataDisks: { type: "object", computed: true, single: true, fields: disk },
  disablePublicIp: { type: "boolean", replaces: true },
  enableIpForwarding: { type: "boolean", replaces: true },
  metadata: { type: "map" },
  tags: { type: "list", computed: true, replaces: true },
  networkInterfaces: {
    type: "list",
    computed: true,
    replaces: true,
    fields: { network: chosen, subnet: chosen, nicType: plain },
  },
  serviceAccounts: {
    type: "list",
    computed: true,
    replaces: true,
    fields: { email: chosen, scopes: { type: "list", computed: true } },
  },
  shieldedInstanceConfig: {
    type: "object",
    computed: true,
    fields: {
      enableSecureBoot: { type: "boolean" },
      enableVtpm: { type: "boolean" },
      enableIntegrityMonitoring: { type: "boolean" },
    },
  },
  vmImage: {
    type: "object",
    computed: true,
    replaces: true,
    fields: { project: plain, family: plain, name: plain },
  },
  containerImage: { type: "object", fields: { repository: { type: "string", required: true }, tag: plain } },
};

const shape: Shape = {
  ...PLACE,
  name: { type: "string", rest: false, required: true, replaces: true },
  labels: { type: "map" },
  gceSetup: { type: "object", computed: true, fields: gceSetup },
  instanceOwners: { type: "list", replaces: true },
  disableProxyAccess: { type: "boolean", replaces: true },
  enableDeletionProtection: { type: "boolean" },
  enableManagedEuc: { type: "boolean" },
  desiredState: { type: "string", rest: false, default: "ACTIVE", allowed: ["ACTIVE", "STOPPED"] },
};

const name = (inputs: Inputs) => `${inLocation(inputs)}/instances/${text(inputs.name)}`;

/** A machine runs once it is made; the state that the program wants is asked for by methods of their own. */
async function toDesiredState({ http }: Context, inputs: Inputs): Promise<void> {
  const url = `${API}/${name(inputs)}`;
  const isRunning = text((await http.call({ method: "GET", url })).state) === "ACTIVE";
  if (isRunning === (inputs.desiredState !== "STOPPED")) return;
  const answer = await http.call({ method: "POST", url: `${url}:${isRunning ? "stop" : "start"}`, body: {} });
  await http.wait(answer, API);
}

const instance: Descriptor = standard({
  type: "gcp:workbench/instance:Instance",
  source: "notebooks.v2 projects.locations.instances; google_workbench_instance",
  api: API,
  shape,
  name,
  idParameter: "instanceId",
  after: toDesiredState,
  outputs: Object.fromEntries(
    ["createTime", "updateTime", "creator", "healthState", "proxyUri", "state"].map((output) => [output, output]),
  ),
  labelled: true,
  hasDeletionPolicy: true,
  refuseDelete: ({ enableDeletionProtection }) =>
    enableDeletionProtection === true
      ? "enableDeletionProtection is true. Set it to false and run up first."
      : undefined,
});

export const WORKBENCH: readonly Descriptor[] = [instance];
