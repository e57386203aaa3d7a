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
        return {
          id: `${name}-id`,
          state: {
            ...(inputs as object),
            ...computed(type, name, inputs as Record<string, unknown>),
            ...named(inputs as Record<string, unknown>),
          },
        };
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

/** Values that Google computes and that other resources take as inputs. */
function computed(type: string, name: string, inputs: Record<string, unknown>): Record<string, unknown> {
  const own = typeof inputs.name === "string" ? inputs.name : name;
  switch (type) {
    case "gcp:serviceaccount/account:Account": {
      const email = `${String(inputs.accountId)}@sparklab-test.iam.gserviceaccount.com`;
      return { email, member: `serviceAccount:${email}`, name: `projects/sparklab-test/serviceAccounts/${email}` };
    }
    case "gcp:projects/iAMCustomRole:IAMCustomRole":
      return { name: `projects/sparklab-test/roles/${String(inputs.roleId)}` };
    case "gcp:projects/serviceIdentity:ServiceIdentity":
      return {
        member: `serviceAccount:service-123@gcp-sa-${String(inputs.service).replace(/\..*$/, "")}.iam.gserviceaccount.com`,
      };
    case "gcp:bigquery/connection:Connection":
      return {
        name: `projects/sparklab-test/locations/us-central1/connections/${String(inputs.connectionId)}`,
        ...connectionAccount(inputs),
      };
    case "gcp:cloudfunctionsv2/function:Function":
      return {
        url: `https://${own}-123.us-central1.run.app`,
        serviceConfig: { ...(inputs.serviceConfig as object), service: own },
      };
    case "gcp:cloudrunv2/service:Service":
      return { uri: `https://${own}-123.us-central1.run.app` };
    case "gcp:logging/projectSink:ProjectSink":
      return { writerIdentity: `serviceAccount:service-123@gcp-sa-logging.iam.gserviceaccount.com` };
    case "gcp:storage/bucket:Bucket":
      return { name, projectNumber: 123 };
    case "gcp:storage/bucketObject:BucketObject":
      return { name, generation: 1 };
    case "gcp:artifactregistry/repository:Repository":
      return { name: inputs.repositoryId };
    case "gcp:composer/environment:Environment":
      return { name, config: { ...(inputs.config as object), airflowUri: "https://airflow.example" } };
    case "gcp:workbench/instance:Instance":
      return { name, proxyUri: "jupyter.example" };
    default:
      return { name };
  }
}

/** A name that is given stays; for a repository, an account or a role the computed one is another thing. */
function named(inputs: Record<string, unknown>): Record<string, unknown> {
  return inputs.name === undefined ? {} : { name: inputs.name };
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
