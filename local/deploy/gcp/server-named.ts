/** Resources whose id the service chooses: made in a collection, found by the name in the answer. */
import { type Properties, text } from "../values";
import type { Descriptor, Inputs } from "./descriptor";
import { listAll } from "./http";
import { toRest } from "./shape";
import { masks } from "./standard";

type Generic = "id" | "idOf" | "made" | "create" | "read" | "update" | "delete" | "autoName";

export interface ServerNamedArgs extends Omit<Descriptor, Generic> {
  /** Root with the version. */
  api: string;
  /** `projects/p/dashboards`. */
  collection: (inputs: Inputs) => string;
  body?: (inputs: Inputs) => Properties;
  changes?: "masked" | "whole";
  /** The resource as its shape reads it. */
  readAs?: (resource: Properties) => Properties;
  deleteQuery?: (inputs: Inputs) => Record<string, string>;
}

export function serverNamed(args: ServerNamedArgs): Descriptor {
  const { api, collection, body, changes = "masked", readAs = (resource) => resource, deleteQuery, ...rest } = args;
  const bodyOf = body ?? ((inputs: Inputs) => toRest(args.shape, inputs));
  return {
    ...rest,
    id: collection,
    idOf: (resource) => text(resource.name),
    made: async ({ http }, inputs) => {
      const url = `${api}/${collection(inputs)}`;
      // The answer's list has the collection's name.
      const found = await listAll(http, url, text(url.split("/").at(-1)));
      return found.map((resource) => ({ ...readAs(resource), name: resource.name! }));
    },
    create: async ({ http }, inputs) => {
      const url = `${api}/${collection(inputs)}`;
      const made = await http.call({ method: "POST", url, body: bodyOf(inputs) });
      return { ...readAs(made), name: made.name! };
    },
    read: async ({ http }, _inputs, _outputs, id) => {
      const found = await http.find(`${api}/${id}`);
      return found && { ...readAs(found), name: found.name! };
    },
    update: async ({ http }, { news, changes: changed, id }) => {
      const url = `${api}/${id}`;
      for (const updateMask of masks(args.shape, changed, changes))
        await http.call({ method: "PATCH", url, query: { updateMask }, body: bodyOf(news) });
      const now = await http.call({ method: "GET", url });
      return { ...readAs(now), name: now.name! };
    },
    delete: async ({ http }, inputs, _outputs, _options, id) => {
      await http.remove(`${api}/${id}`, deleteQuery?.(inputs));
    },
  };
}
