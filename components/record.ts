/**
 * Records what a program declares, under Pulumi's own mocks: the basis of component tests and of the stack inventories.
 * Nothing here throws inside a mock, since that would end the whole process; unknown calls are recorded for the reader.
 */
import * as pulumi from "@pulumi/pulumi";

export interface Declared {
  type: string;
  name: string;
  inputs: Record<string, unknown>;
}

export interface Recording {
  /** In order of declaration. */
  resources: Declared[];
  /** Functions that the program invoked. */
  calls: string[];
}

/** Runs `program` and returns what it declared and the values it returned. */
export async function record<T>(program: () => T, stack = "test"): Promise<Recording & { outputs: T }> {
  const resources: Declared[] = [];
  const calls: string[] = [];
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs }) => {
        resources.push({ type, name, inputs: inputs as Record<string, unknown> });
        return { id: `${name}-id`, state: stateOf(type, name, inputs as Inputs) };
      },
      call: ({ token, inputs }) => {
        calls.push(token);
        return inputs as Record<string, unknown>;
      },
    },
    "sparklab",
    stack,
    false,
  );
  // Pulumi notes a stack trace with every promise, which takes most of the time and is read by nobody here.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    const outputs = program();
    await pulumi.runtime.disconnect();
    return { resources, calls, outputs };
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

type Inputs = Record<string, unknown>;

/** Values that Google computes and that other resources take as inputs, by type. */
const COMPUTED: Record<string, (inputs: Inputs, name: string) => Inputs> = {
  "gcp:serviceaccount/account:Account": ({ accountId }) => {
    const email = `${String(accountId)}@sparklab-test.iam.gserviceaccount.com`;
    return { email, member: `serviceAccount:${email}`, name: `projects/sparklab-test/serviceAccounts/${email}` };
  },
  "gcp:projects/iAMCustomRole:IAMCustomRole": ({ roleId }) => ({
    name: `projects/sparklab-test/roles/${String(roleId)}`,
  }),
  "gcp:projects/serviceIdentity:ServiceIdentity": ({ service }) => ({
    member: `serviceAccount:service-123@gcp-sa-${String(service).replace(/\..*$/, "")}.iam.gserviceaccount.com`,
  }),
  "gcp:bigquery/connection:Connection": (inputs) => ({
    name: `projects/sparklab-test/locations/us-central1/connections/${String(inputs.connectionId)}`,
    ...connectionAccount(inputs),
  }),
  "gcp:cloudfunctionsv2/function:Function": (inputs, name) => ({
    url: `https://${name}-123.us-central1.run.app`,
    serviceConfig: { ...(inputs.serviceConfig as object), service: name },
  }),
  "gcp:cloudrunv2/service:Service": (_, name) => ({ uri: `https://${name}-123.us-central1.run.app` }),
  "gcp:logging/projectSink:ProjectSink": () => ({
    writerIdentity: "serviceAccount:service-123@gcp-sa-logging.iam.gserviceaccount.com",
  }),
  "gcp:storage/bucket:Bucket": () => ({ projectNumber: 123 }),
  "gcp:storage/bucketObject:BucketObject": () => ({ generation: 1 }),
  "gcp:artifactregistry/repository:Repository": ({ repositoryId }) => ({ name: repositoryId }),
  "gcp:composer/environment:Environment": (inputs) => ({
    config: { ...(inputs.config as object), airflowUri: "https://airflow.example" },
  }),
  "gcp:workbench/instance:Instance": () => ({ proxyUri: "jupyter.example" }),
};

/** The state of a created resource: its inputs, what Google computes, and a name, given or not. */
function stateOf(type: string, logicalName: string, inputs: Inputs): Inputs {
  const name = typeof inputs.name === "string" ? inputs.name : logicalName;
  return { name, ...inputs, ...COMPUTED[type]?.(inputs, name) };
}

/** The account that Google makes for a connection, in the block of its kind. */
function connectionAccount(inputs: Record<string, unknown>): Record<string, unknown> {
  const kind = inputs.spark ? "spark" : "cloudResource";
  return {
    [kind]: {
      ...(inputs[kind] as object),
      serviceAccountId: `bqcx-123-${String(inputs.connectionId)}@gcp-sa-bigquery-condel.iam.gserviceaccount.com`,
    },
  };
}

/** `type name` of every resource but components, sorted: the order of registration depends on which values are ready. */
export function declaredLines(recording: Recording): string[] {
  return recording.resources
    .filter(({ type }) => !type.startsWith("sparklab:"))
    .map(({ type, name }) => `${type} ${name}`)
    .sort();
}
