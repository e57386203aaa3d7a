/** Cloud Tasks v2: queues. */
import type { Service } from "../../service";
import { queueMethods, queues } from "./queues";

export const cloudTasks: Service = {
  apis: ["cloudtasks.v2"],
  types: [queues],
  methods: { ...queueMethods },
};
