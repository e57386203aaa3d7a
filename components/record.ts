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
        return { id: `${name}-id`, state: { ...computed(type, name, inputs as Record<string, unknown>), ...(inputs as object) } };
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
  const outputs = program();
  await pulumi.runtime.disconnect();
  return { resources, calls, outputs };
}

/** Values that Google computes and that other resources take as inputs. */
function computed(type: string, name: string, inputs: Record<string, unknown>): Record<string, unknown> {
  switch (type) {
    case "gcp:serviceaccount/account:Account": {
      const email = `${String(inputs.accountId)}@sparklab-test.iam.gserviceaccount.com`;
      return { email, member: `serviceAccount:${email}`, name: `projects/sparklab-test/serviceAccounts/${email}` };
    }
    case "gcp:projects/iAMCustomRole:IAMCustomRole":
      return { name: `projects/sparklab-test/roles/${String(inputs.roleId)}` };
    default:
      return { name };
  }
}

/** `type name` of every resource but components, sorted: the order of registration depends on which values are ready. */
export function declaredLines(recording: Recording): string[] {
  return recording.resources.filter(({ type }) => !type.startsWith("sparklab:")).map(({ type, name }) => `${type} ${name}`).sort();
}
