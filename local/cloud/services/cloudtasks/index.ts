/** Cloud Tasks v2: queues, and tasks that are HTTP requests. */
import type { Cloud } from "../../cloud";
import { textOf } from "../../json";
import type { Behaviour, Hook, Service } from "../../service";
import { perCloud } from "../delivery/agenda";
import { Dispatcher } from "./dispatcher";
import { queueMethods, queues } from "./queues";
import { taskKey, taskMethods } from "./tasks";

const dispatcherOf = perCloud((cloud: Cloud) => new Dispatcher(cloud));
const wake = (cloud: Cloud) => dispatcherOf(cloud).agenda.wake();
const wakeAfter: Hook = ({ cloud }) => wake(cloud);

const RESUME = "cloudtasks.projects.locations.queues.resume";
const resume: Behaviour = async (call, cloud) => {
  const answer = await queueMethods[RESUME]!(call, cloud);
  wake(cloud);
  return answer;
};

const dropTasks: Hook = async ({ current, cloud }) => {
  const tasks = await cloud.store.list(taskKey(`${textOf(current!.name)}/tasks/`));
  await cloud.store.write({ delete: tasks.map(({ key }) => key) });
};

export const cloudTasks: Service = {
  apis: ["cloudtasks.v2"],
  types: [{ ...queues, after: { patch: wakeAfter, delete: dropTasks } }],
  methods: { ...queueMethods, ...taskMethods(wake), [RESUME]: resume },
  transcoded: { protos: "@google-cloud/tasks", services: ["google.cloud.tasks.v2.CloudTasks"] },
  recover: async (cloud) => wake(cloud),
  close: (cloud) => dispatcherOf(cloud).close(),
};
