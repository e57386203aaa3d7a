/**
 * One member of one role on one resource: read the policy, change it, write it back with its etag, again if another
 * was faster.
 */
import { setTimeout as pause } from "node:timers/promises";
import { DeployError } from "../errors";
import type { Context, Descriptor, Inputs } from "./descriptor";
import { GoogleError } from "./http";
import { equal, type Properties, text } from "../values";
import type { Shape } from "./shape";

const ATTEMPTS = 8;

export const MEMBER_SHAPE: Shape = {
  role: { type: "string", required: true, replaces: true },
  member: { type: "string", required: true, replaces: true },
  condition: {
    type: "object",
    replaces: true,
    fields: {
      title: { type: "string", required: true, replaces: true },
      expression: { type: "string", required: true, replaces: true },
      description: { type: "string", replaces: true },
    },
  },
};

/** A policy as Google's IAM has it; `bindings` is absent when empty. */
export type Policy = Properties & { bindings?: Binding[]; etag?: string };
type Binding = Properties & { role: string; members: string[]; condition?: Properties };

export interface MemberArgs {
  type: string;
  source: string;
  /** Properties that name the resource, all of them replacing. */
  shape: Shape;
  /** First part of the id. */
  resource: (inputs: Inputs) => string;
  get: (context: Context, inputs: Inputs) => Promise<Policy | undefined>;
  set: (context: Context, inputs: Inputs, policy: Policy) => Promise<Policy>;
  outputs?: Descriptor["outputs"];
  deleteBeforeReplace?: true;
}

export function iamMember(args: MemberArgs): Descriptor {
  const change = (context: Context, inputs: Inputs, edit: (policy: Policy) => Policy | undefined) =>
    context.exclusive(args.resource(inputs), () => readModifyWrite(args, context, inputs, edit));
  return {
    type: args.type,
    source: args.source,
    shape: { ...args.shape, ...MEMBER_SHAPE },
    outputs: { etag: "etag", ...args.outputs },
    id: (inputs) => {
      const title = (inputs.condition as Properties | undefined)?.title;
      return [args.resource(inputs), text(inputs.role), text(inputs.member), ...(title ? [text(title)] : [])].join("/");
    },
    ...(args.deleteBeforeReplace && { deleteBeforeReplace: true as const }),
    create: async (context, inputs) => {
      const policy = await change(context, inputs, (current) => add(current, inputs));
      if (!policy)
        throw new DeployError(`${args.resource(inputs)}: does not exist, so that no role can be granted on it`);
      return { etag: policy.etag ?? "" };
    },
    read: async (context, inputs) => {
      const policy = await args.get(context, inputs);
      return policy && has(policy, inputs) ? { etag: policy.etag ?? "" } : undefined;
    },
    delete: async (context, inputs) => void (await change(context, inputs, (policy) => remove(policy, inputs))),
  };
}

/** @param edit undefined when nothing is to be written. */
async function readModifyWrite(
  args: MemberArgs,
  context: Context,
  inputs: Inputs,
  edit: (policy: Policy) => Policy | undefined,
): Promise<Policy | undefined> {
  for (let attempt = 1; ; attempt++) {
    const policy = await args.get(context, inputs);
    if (!policy) return undefined;
    const edited = edit(policy);
    if (!edited) return policy;
    try {
      return await args.set(context, inputs, edited);
    } catch (error) {
      const isStale = error instanceof GoogleError && (error.code === 409 || error.code === 412);
      if (!isStale || attempt === ATTEMPTS) throw error;
      // Whoever was faster may be about to write again; the next reading starts from its result.
      await pause(50 * 2 ** attempt);
    }
  }
}

const isBinding = (binding: Binding, { role, condition }: Inputs) =>
  binding.role === role && equal(binding.condition ?? null, conditionOf(condition));
const conditionOf = (condition: Inputs[string] | undefined) => {
  if (!condition) return null;
  const { __defaults: _, ...own } = condition as Properties;
  return own;
};

function has(policy: Policy, inputs: Inputs): boolean {
  return (policy.bindings ?? []).some(
    (binding) => isBinding(binding, inputs) && binding.members.some((member) => sameMember(member, inputs)),
  );
}

const sameMember = (member: string, inputs: Inputs) => member.toLowerCase() === text(inputs.member).toLowerCase();

function add(policy: Policy, inputs: Inputs): Policy | undefined {
  if (has(policy, inputs)) return undefined;
  const bindings = [...(policy.bindings ?? [])];
  const at = bindings.findIndex((binding) => isBinding(binding, inputs));
  const member = text(inputs.member);
  const condition = conditionOf(inputs.condition);
  if (at < 0) bindings.push({ role: text(inputs.role), members: [member], ...(condition && { condition }) });
  else bindings[at] = { ...bindings[at]!, members: [...bindings[at]!.members, member] };
  return { ...policy, bindings, version: 3 };
}

function remove(policy: Policy, inputs: Inputs): Policy | undefined {
  if (!has(policy, inputs)) return undefined;
  const bindings = (policy.bindings ?? [])
    .map((binding) =>
      isBinding(binding, inputs)
        ? { ...binding, members: binding.members.filter((member) => !sameMember(member, inputs)) }
        : binding,
    )
    .filter((binding) => binding.members.length > 0);
  const { bindings: _, ...rest } = policy;
  return { ...rest, ...(bindings.length > 0 && { bindings }), version: 3 };
}
