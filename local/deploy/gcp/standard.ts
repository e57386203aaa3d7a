/**
 * Resources in Google's standard form: made in a collection under an id, changed by a mask, deleted; each change may be
 * an operation that is followed to its end. Source: AIP-121, AIP-133 to 135, AIP-151 (google.aip.dev).
 */
import type { PropertyChange } from "../events";
import type { CallOptions } from "../provider";
import { parsePath, type Properties, text } from "../values";
import type { Context, Descriptor, Inputs } from "./descriptor";
import { absent } from "./http";
import { iamMember, type MemberArgs, type Policy } from "./iam";
import { toRest, type Shape } from "./shape";

type Generic = "id" | "create" | "read" | "update" | "delete";

export interface StandardArgs extends Omit<Descriptor, Generic> {
  /** Root with the version, e.g. `https://run.googleapis.com/v2`. */
  api: string | ((inputs: Inputs) => string);
  /** Full name, e.g. `projects/p/locations/l/services/s`; it is the resource's path and its id in the state. */
  name: (inputs: Inputs) => string;
  /** Query parameter with the id of what is made; absent where the body names it. */
  idParameter?: string;
  /** The REST resource of inputs where the shape alone does not say it. */
  body?: (inputs: Inputs) => Properties;
  /** Whether a change names what it changes (a mask), and whether each part must be a request of its own. */
  changes?: "masked" | "whole" | "one by one";
  /** What is asked beside the change itself: methods that start, stop, pause. */
  after?: (context: Context, inputs: Inputs, changes: readonly PropertyChange[] | "created") => Promise<void>;
}

export function standard(args: StandardArgs): Descriptor {
  const { api, name, idParameter, body, changes, after, ...rest } = args;
  const root = (inputs: Inputs) => (typeof api === "string" ? api : api(inputs));
  const url = (inputs: Inputs) => `${root(inputs)}/${name(inputs)}`;
  const bodyOf = body ?? ((inputs) => toRest(args.shape, inputs));
  const read = ({ http }: Context, inputs: Inputs) => http.find(url(inputs));
  const settled = async (context: Context, inputs: Inputs, answer: Properties, { timeout }: CallOptions) => {
    if (isOperation(answer)) await context.http.wait(answer, root(inputs), timeout);
  };
  const readBack = async (context: Context, inputs: Inputs) => (await read(context, inputs)) ?? {};
  return {
    ...rest,
    id: name,
    create: async (context, inputs, options) => {
      const [collection, id] = cut(url(inputs));
      const query = idParameter ? { [idParameter]: id } : {};
      const request = { method: "POST", url: collection, query, body: bodyOf(inputs) } as const;
      await settled(context, inputs, await context.http.call(request), options);
      await after?.(context, inputs, "created");
      return readBack(context, inputs);
    },
    read,
    update: async (context, { news, changes: changed }, options) => {
      for (const updateMask of masks(args.shape, changed, changes ?? "masked")) {
        const request = { method: "PATCH", url: url(news), query: { updateMask }, body: bodyOf(news) } as const;
        await settled(context, news, await context.http.call(request), options);
      }
      await after?.(context, news, changed);
      return readBack(context, news);
    },
    delete: async (context, inputs, _outputs, options) => {
      await settled(context, inputs, (await context.http.remove(url(inputs))) ?? {}, options);
    },
  };
}

/** A member of a resource whose policy is read and set by methods of its own, as most are. */
export function policyMember({
  url,
  read,
  ...args
}: Omit<MemberArgs, "get" | "set"> & {
  url: (inputs: Inputs) => string;
  read: "GET" | "POST" | "POST without body";
}): Descriptor {
  return iamMember({
    ...args,
    get: ({ http }, inputs): Promise<Policy | undefined> =>
      http
        .call({
          method: read === "GET" ? "GET" : "POST",
          url: `${url(inputs)}:getIamPolicy`,
          ...(read === "POST"
            ? { body: { options: { requestedPolicyVersion: 3 } } }
            : { query: { "options.requestedPolicyVersion": "3" } }),
        })
        .catch(absent),
    set: ({ http }, inputs, policy) =>
      http.call({ method: "POST", url: `${url(inputs)}:setIamPolicy`, body: { policy } }),
  });
}

/** The base of the full name of what lies in a location. */
export const inLocation = (inputs: Inputs, property = "location") =>
  `projects/${inputs.project}/locations/${text(inputs[property])}`;

/** Project and location as most resources have them: parts of the name alone. */
export const PLACE: Shape = {
  project: { type: "string", rest: false, computed: true, replaces: true },
  location: { type: "string", rest: false, required: true, replaces: true },
};

const isOperation = ({ name }: Properties) => /(^|\/)operations\//.test(text(name));

function cut(path: string): [string, string] {
  const at = path.lastIndexOf("/");
  return [path.slice(0, at), path.slice(at + 1)];
}

/** Masks of the requests that a change takes; `undefined` for a request without one. */
export function masks(
  shape: Shape,
  changes: readonly PropertyChange[],
  way: NonNullable<StandardArgs["changes"]>,
): (string | undefined)[] {
  const places = changes.map(({ path }) => placeOf(shape, parsePath(path))).filter((place) => place !== undefined);
  const named = [...new Set(places)].sort();
  if (named.length === 0) return [];
  return way === "whole" ? [undefined] : way === "masked" ? [named.join(",")] : named;
}

/** The place of a property in the REST resource, as deep as objects go: maps and lists change as a whole. */
export function placeOf(shape: Shape, [head, ...below]: readonly (string | number)[]): string | undefined {
  const field = shape[text(head)];
  if (!field || field.rest === false) return undefined;
  const place = field.rest ?? text(head);
  if (field.type !== "object" || field.single || !field.fields || below.length === 0) return place;
  const inner = placeOf(field.fields, below);
  return inner && `${place}.${inner}`;
}
