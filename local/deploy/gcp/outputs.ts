/** What the state holds of a resource: its shape as a whole, its labels, its outputs. */
import { isObject, type Properties, UNKNOWN, type Value } from "../values";
import type { Descriptor, Inputs } from "./descriptor";
import { fromRest, type Shape } from "./shape";
import { effective } from "./shape-changes";

/** Added to what has labels, as the official provider does by default. */
const ATTRIBUTION = { "goog-terraform-provisioned": "true" };
const DELETION_POLICY: Shape = {
  deletionPolicy: {
    type: "string",
    rest: false,
    local: true,
    default: "DELETE",
    implicit: true,
    allowed: ["DELETE", "PREVENT", "ABANDON"],
  },
};
export const shapeOf = (descriptor: Descriptor): Shape =>
  descriptor.hasDeletionPolicy ? { ...descriptor.shape, ...DELETION_POLICY } : descriptor.shape;

/** Inputs as outputs: every default in, `__defaults` out. */
export function echo(descriptor: Descriptor, inputs: Inputs): Properties {
  const shape = shapeOf(descriptor);
  const labels = descriptor.labelled ? addedLabels(descriptor, inputs) : {};
  return { ...effective(shape, inputs), ...("project" in shape && { project: inputs.project }), ...labels };
}

/** What a preview shows of inputs: inside their objects, what the service sets is as it was, or unknown. */
export function foreseen(shape: Shape, inputs: Properties, old?: Properties): Properties {
  const result: Properties = { ...inputs };
  for (const [name, field] of Object.entries(shape)) {
    const [value, before] = [inputs[name], old?.[name]];
    if (field.output) result[name] = before ?? UNKNOWN;
    else if (field.fields && isObject(value))
      result[name] = foreseen(field.fields, value, isObject(before) ? before : undefined);
  }
  return result;
}

export function addedLabels(descriptor: Descriptor, inputs: Inputs): Properties {
  if (!descriptor.labelled) return {};
  const all = { ...(isObject(inputs.labels) ? inputs.labels : {}), ...ATTRIBUTION };
  return { effectiveLabels: all, pulumiLabels: all };
}

/** What the state holds: what the service answered, and the inputs where it answers nothing. */
export function outputsOf(descriptor: Descriptor, inputs: Inputs, resource: Properties): Properties {
  const shape = shapeOf(descriptor);
  const { labels, ...read } = fromRest(shape, resource);
  const computed = Object.entries(descriptor.outputs).map(([name, place]): [string, Value | undefined] => [
    name,
    typeof place === "string"
      ? fromRest({ [name]: { type: "string", rest: place } }, resource)[name]
      : place(resource, inputs),
  ]);
  const known = Object.fromEntries(computed.filter(([, value]) => value !== undefined && value !== null)) as Properties;
  const outputs = { ...echo(descriptor, inputs), ...read, ...known };
  if (!descriptor.labelled || !isObject(labels)) return outputs;
  // The service's answer tells all labels; those of the program are the ones among them that it asked for.
  const own = Object.keys(isObject(inputs.labels) ? inputs.labels : {}).filter((key) => labels[key] !== undefined);
  const mine = Object.fromEntries(own.map((key) => [key, labels[key]!]));
  const managed = Object.fromEntries(
    Object.keys({ ...mine, ...ATTRIBUTION })
      .filter((key) => labels[key] !== undefined)
      .map((key) => [key, labels[key]!]),
  );
  return { ...outputs, ...(own.length > 0 && { labels: mine }), effectiveLabels: labels, pulumiLabels: managed };
}

export const withLabels = (descriptor: Descriptor, inputs: Inputs): Inputs =>
  descriptor.labelled
    ? { ...inputs, labels: { ...(isObject(inputs.labels) ? inputs.labels : {}), ...ATTRIBUTION } }
    : inputs;

/** Outputs as a refresh reads them back: labels that something else added are not the program's. */
export function readable(descriptor: Descriptor, outputs: Properties): Properties {
  if (!descriptor.labelled) return outputs;
  return { ...outputs, labels: outputs.labels ?? {} };
}
