/** Cloud Functions (cloudfunctions.v2 and v2beta): functions of the second generation, each with its service of Cloud Run. */
import type { Cloud } from "../../cloud";
import type { Service } from "../../service";
import { isManaged } from "../run/managed";
import { removeManaged, RUN_KEYS } from "../run/services";
import { functionType } from "./functions";

export const cloudFunctions: Service = {
  apis: ["cloudfunctions.v2beta", "cloudfunctions.v2"],
  types: [functionType],
  methods: {},
  recover: removeOrphans,
};

/** A function and its service are two records: whoever died between them left a service without a function. */
async function removeOrphans(cloud: Cloud): Promise<void> {
  for (const { key, value } of await cloud.store.list(`${RUN_KEYS}projects/`)) {
    const name = key.slice(RUN_KEYS.length);
    if (isManaged(value) && !(await cloud.store.get(name.replace("/services/", "/functions/"))))
      await removeManaged(name, cloud);
  }
}
