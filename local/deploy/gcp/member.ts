/** Members of roles on what has its policy under its own name: `<name>:getIamPolicy` and `:setIamPolicy`. */
import type { Descriptor, Inputs } from "./descriptor";
import { absent } from "./http";
import { iamMember, type Policy } from "./iam";
import type { Shape } from "./shape";

interface NamedMemberArgs {
  type: string;
  source: string;
  shape: Shape;
  api: string;
  /** Full name of the resource. */
  name: (inputs: Inputs) => string;
  /** By which verb the service answers a policy. */
  reads: "GET" | "POST";
}

export function namedMember({ api, name, reads, ...args }: NamedMemberArgs): Descriptor {
  return iamMember({
    ...args,
    resource: name,
    get: ({ http }, inputs): Promise<Policy | undefined> => {
      const url = `${api}/${name(inputs)}:getIamPolicy`;
      const asked =
        reads === "GET"
          ? http.call({ method: "GET", url, query: { "options.requestedPolicyVersion": "3" } })
          : http.call({ method: "POST", url, body: { options: { requestedPolicyVersion: 3 } } });
      return asked.catch(absent);
    },
    set: ({ http }, inputs, policy) =>
      http.call({ method: "POST", url: `${api}/${name(inputs)}:setIamPolicy`, body: { policy } }),
  });
}
