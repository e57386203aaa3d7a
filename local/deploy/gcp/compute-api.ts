/** Requests to Compute Engine as all its types make them: operations of its own form, links, places. */
import { setTimeout as pause } from "node:timers/promises";
import { DeployError, UncertainError } from "../errors";
import { isObject, type Properties, text, type Value } from "../values";
import type { Context, Descriptor, Inputs } from "./descriptor";
import { GoogleError, type GoogleRequest } from "./http";
import { toRest, type Shape } from "./shape";

/** The official provider's version; both have the same resources. */
export const COMPUTE = "https://compute.googleapis.com/compute/beta";
const MINUTES = 20;

export const PROJECT: Shape = { project: { type: "string", rest: false, computed: true, replaces: true } };
export const REGION: Shape = {
  region: { type: "string", rest: false, required: true, replaces: true, same: sameLink },
};
/** A link to another resource in any of its forms. */
export const link = (more: Partial<Shape[string]> = {}): Shape[string] => ({ type: "string", same: sameLink, ...more });

/** `projects/p/...` of a link, or the last word of one that has no project. */
export function nameInLink(value: Value): string {
  return text(value).replace(/^https:\/\/[^/]+\/(compute\/)?(v1|beta)\//, "");
}

function sameLink(a: Value, b: Value): boolean {
  const [one, other] = [nameInLink(a), nameInLink(b)];
  return one === other || (isBare(one, other) && one.split("/").at(-1) === other.split("/").at(-1));
}
/** A bare name means the resource in the project and place of the one that names it. */
const isBare = (one: string, other: string) => !one.includes("/") || !other.includes("/");

/** Makes a request that answers an operation and follows it to its end. */
export async function operate({ http }: Context, request: GoogleRequest, seconds = MINUTES * 60): Promise<void> {
  const end = Date.now() + seconds * 1000;
  let operation = await http.call(request);
  for (let delay = 100; operation.status !== "DONE"; delay = Math.min(delay * 2, 5000)) {
    if (Date.now() > end)
      throw new UncertainError(`operation ${text(operation.name)}: not done after ${seconds} seconds`);
    await pause(delay);
    operation = await http.call({ method: "GET", url: `${COMPUTE}/${nameInLink(operation.selfLink ?? "")}` });
  }
  const errors = ((operation.error as Properties | undefined)?.errors ?? []) as Properties[];
  if (errors.length > 0) {
    const message = errors.map((error) => text(error.message)).join("; ");
    throw new GoogleError(
      Number(operation.httpErrorStatusCode ?? 400),
      `operation ${text(operation.name)}: ${message}`,
    );
  }
}

type Generic = "id" | "create" | "read" | "delete" | "update" | "autoName";

export interface ComputeArgs extends Omit<Descriptor, Generic> {
  /** `networks`, as in paths. */
  plural: string;
  scope: "global" | "regional";
  body?: (inputs: Inputs) => Properties;
  /** What it takes after the insert to have all that the inputs say. */
  after?: (context: Context, inputs: Inputs) => Promise<void>;
  /** Changes in place; the resource is read afterwards. */
  change?: (context: Context, change: Parameters<NonNullable<Descriptor["update"]>>[1]) => Promise<void>;
  /** What the resource is to its descriptor where Google writes more. */
  readAs?: (resource: Properties) => Properties;
}

export function computeDescriptor(args: ComputeArgs): Descriptor {
  const { plural, scope, body, after, change, readAs = (resource) => resource, ...rest } = args;
  const collection = (inputs: Inputs) =>
    `projects/${inputs.project}/${scope === "global" ? "global" : `regions/${text(inputs.region).split("/").at(-1)}`}/${plural}`;
  const name = (inputs: Inputs) => `${collection(inputs)}/${text(inputs.name)}`;
  const read = async ({ http }: Context, inputs: Inputs) => {
    const found = await http.find(`${COMPUTE}/${name(inputs)}`);
    return found && readAs(found);
  };
  const readBack = async (context: Context, inputs: Inputs): Promise<Properties> => {
    const found = await read(context, inputs);
    if (!found) throw new DeployError(`${name(inputs)}: was made and is not there`);
    return found;
  };
  return {
    ...rest,
    autoName: { property: "name", length: 63 },
    id: name,
    create: async (context, inputs, { timeout }) => {
      const made = body ? body(inputs) : toRest(args.shape, inputs);
      await operate(context, { method: "POST", url: `${COMPUTE}/${collection(inputs)}`, body: made }, timeout);
      await after?.(context, inputs);
      return readBack(context, inputs);
    },
    read,
    ...(change && {
      update: async (context, asked) => {
        await change(context, asked);
        return readBack(context, asked.news);
      },
    }),
    delete: async (context, inputs, _outputs, { timeout }) => {
      try {
        await operate(context, { method: "DELETE", url: `${COMPUTE}/${name(inputs)}` }, timeout);
      } catch (error) {
        if (!(error instanceof GoogleError && error.code === 404)) throw error;
      }
    },
  };
}

/** A patch of the resource itself with all that its shape says. */
export function patch(
  plural: string,
  scope: ComputeArgs["scope"],
  body: (inputs: Inputs) => Properties,
): ComputeArgs["change"] {
  return (context, { news }) => {
    const place = scope === "global" ? "global" : `regions/${text(news.region).split("/").at(-1)}`;
    const url = `${COMPUTE}/projects/${news.project}/${place}/${plural}/${text(news.name)}`;
    return operate(context, { method: "PATCH", url, body: body(news) });
  };
}

/** Logging that is off is no configuration of it. */
export function withoutLogConfig({ logConfig, ...resource }: Properties): Properties {
  if (!isObject(logConfig) || logConfig.enable !== true) return resource;
  const { enable: _, ...rest } = logConfig;
  return { ...resource, logConfig: rest };
}
