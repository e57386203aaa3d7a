/** Cloud Scheduler v1: jobs. */
import type { Service } from "../../service";
import { jobMethods, jobs } from "./jobs";

export const cloudScheduler: Service = {
  apis: ["cloudscheduler.v1"],
  types: [jobs],
  methods: { ...jobMethods },
};
