/** Vertex AI Workbench (notebooks.v2): notebook machines, started, stopped and changed; no machine runs behind them. */
import { createHash } from "node:crypto";
import type { Cloud } from "../cloud";
import { badRequest } from "../contract/validate";
import type { Violation } from "../contract/validate-schema";
import { ApiError } from "../errors";
import { isObject, textOf } from "../json";
import type { Behaviour, Call, Hook, JsonObject, ResourceType, Service } from "../service";
import { nameIn } from "./compute/links";
import { checkMachine } from "./orgpolicy";
import { defaultAccount, requireActAs, requireStored } from "./references";

const TYPES = "type.googleapis.com/google.cloud.notebooks.v2";

const instance: ResourceType = {
  collection: "notebooks.projects.locations.instances",
  schema: "Instance",
  listField: "instances",
  name: "projects/{project}/locations/{location}/instances/{id}",
  id: { query: "instanceId" },
  idPattern: /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/,
  immutable: [
    ...["gceSetup.serviceAccounts", "gceSetup.networkInterfaces", "gceSetup.disablePublicIp", "gceSetup.tags"],
    ...["gceSetup.vmImage", "instanceOwners", "disableProxyAccess"],
  ],
  defaults: {
    "gceSetup.machineType": "e2-standard-4",
    "gceSetup.bootDisk.diskSizeGb": "150",
    "gceSetup.bootDisk.diskType": "PD_BALANCED",
    "gceSetup.bootDisk.diskEncryption": "GMEK",
    "gceSetup.dataDisks": [{ diskSizeGb: "100", diskType: "PD_BALANCED", diskEncryption: "GMEK" }],
    "gceSetup.vmImage": { project: "cloud-notebooks-managed", family: "workbench-instances" },
    "gceSetup.shieldedInstanceConfig.enableVtpm": true,
    "gceSetup.shieldedInstanceConfig.enableIntegrityMonitoring": true,
  },
  serverSet: {
    id: ({ resource, now }) => digestOf(`${textOf(resource.name)} ${now}`).slice(0, 16),
    state: () => "ACTIVE",
    healthState: () => "HEALTHY",
    creator: ({ call }) => call.principal.email,
    proxyUri: ({ resource }) =>
      `${digestOf(textOf(resource.name)).slice(0, 16)}-dot-${regionOf(resource)}.notebooks.googleusercontent.com`,
  },
  operations: {
    ...{ create: true, patch: true, delete: true },
    responseType: "google.cloud.notebooks.v2.Instance",
    metadataType: "google.cloud.notebooks.v2.OperationMetadata",
  },
  policy: true,
  before: { create: prepare, patch: prepare, delete: refuseProtected },
  source: "https://cloud.google.com/vertex-ai/docs/workbench/reference/rest/v2/projects.locations.instances",
};

export const notebooks: Service = {
  apis: ["notebooks.v2"],
  types: [instance],
  methods: {
    "notebooks.projects.locations.instances.start": (call, cloud) => setState(call, cloud, "start", "ACTIVE"),
    "notebooks.projects.locations.instances.stop": (call, cloud) => setState(call, cloud, "stop", "STOPPED"),
  },
};

async function prepare({ next, call, cloud }: Parameters<Hook>[0]): Promise<void> {
  const setup = isObject(next.gceSetup) ? next.gceSetup : (next.gceSetup = {});
  const accounts = (setup.serviceAccounts ??= [{ email: defaultAccount(cloud) }]) as JsonObject[];
  for (const account of accounts) account.scopes ??= ["https://www.googleapis.com/auth/cloud-platform"];
  const violations = sizeProblems(setup);
  if (violations.length > 0) throw badRequest(violations);
  const machine = { shielded: setup.shieldedInstanceConfig, metadata: setup.metadata };
  await checkMachine(textOf(next.name), machine, cloud);
  for (const { email } of accounts) await requireActAs(textOf(email), call, cloud);
  for (const { network, subnet } of (setup.networkInterfaces ?? []) as JsonObject[])
    for (const link of [network, subnet]) if (link) await requireStored(nameIn(textOf(link), cloud), cloud);
}

/** Smallest disks. Source: BootDisk and DataDisk in the API description. */
function sizeProblems(setup: JsonObject): Violation[] {
  const disks: [string, JsonObject | undefined, number][] = [
    ["boot_disk", setup.bootDisk as JsonObject | undefined, 10],
    ["data_disks", ((setup.dataDisks ?? []) as JsonObject[])[0], 10],
  ];
  return disks.flatMap(([field, disk, smallest]) => {
    const size = Number(textOf(disk?.diskSizeGb) || smallest);
    return size >= smallest && size <= 64_000
      ? []
      : [
          {
            field: `instance.gce_setup.${field}.disk_size_gb`,
            description: `Got ${size}; expected ${smallest} to 64000.`,
          },
        ];
  });
}

function refuseProtected({ current }: Parameters<Hook>[0]): void {
  if (current?.enableDeletionProtection !== true) return;
  throw new ApiError("FAILED_PRECONDITION", `Instance '${textOf(current.name)}' is protected from deletion.`);
}

async function setState(call: Call, cloud: Cloud, verb: string, state: string): ReturnType<Behaviour> {
  const name = call.path.name!;
  const key = name;
  return cloud.store.exclusive(key, async () => {
    const current = await requireStored(name, cloud);
    const now = cloud.now().toISOString();
    const next = { ...current, state, updateTime: now };
    await cloud.store.write({ put: { [key]: next } });
    return cloud.operations.done({
      parent: name.split("/instances/")[0]!,
      metadata: {
        "@type": `${TYPES}.OperationMetadata`,
        createTime: now,
        endTime: now,
        target: name,
        verb,
        apiVersion: "v2",
      },
      response: { "@type": `${TYPES}.Instance`, ...next },
      call,
    });
  });
}

const digestOf = (text: string) => createHash("sha256").update(text).digest("hex");
const regionOf = ({ name }: JsonObject) =>
  textOf(name)
    .split("/")[3]!
    .replace(/-[a-z]$/, "");
