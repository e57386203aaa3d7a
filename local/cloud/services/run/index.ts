/** Cloud Run (run.v2): services, who may call them, and their addresses behind the front door. */
import type { Service } from "../../service";
import { addresses } from "./front";
import { instancesOf } from "./instances";
import { serviceType } from "./services";

export const run: Service = {
  apis: ["run.v2"],
  types: [serviceType],
  methods: {},
  addresses,
  recover: (cloud) => instancesOf(cloud).recover(),
  close: (cloud) => instancesOf(cloud).close(),
};
