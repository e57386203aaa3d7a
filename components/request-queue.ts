/** Two more ways to ask for a training run: a topic whose undeliverable messages are kept, and a queue that holds the pace. */
import * as cloudtasks from "@pulumi/gcp/cloudtasks";
import * as pubsub from "@pulumi/gcp/pubsub";
import * as pulumi from "@pulumi/pulumi";
import { grantEach } from "./iam";

export interface RequestQueueArgs {
  /** Physical name of topic and queue, from names.ts. */
  requestsName: string;
  /** Physical name of the topic of undeliverable messages. */
  deadLettersName: string;
  location: string;
  labels: Record<string, string>;
  /** The function that both call. */
  url: pulumi.Input<string>;
  /** E-mail of the account that calls it. */
  caller: pulumi.Input<string>;
  /** Pub/Sub's agent as an IAM member: it moves what cannot be delivered. */
  agent: pulumi.Input<string>;
  /** Who may ask, by grant key. */
  requesters: Record<string, pulumi.Input<string>>;
}

/** Deliveries of one message before it is set aside. */
const ATTEMPTS = 5;
/** A subscription that nobody uses for a month would else be deleted. */
const KEPT = { ackDeadlineSeconds: 60, expirationPolicy: { ttl: "" } };

export class RequestQueue extends pulumi.ComponentResource {
  readonly topic: pulumi.Output<string>;
  /** `projects/<project>/locations/<region>/queues/<name>`. */
  readonly queue: pulumi.Output<string>;
  /** Subscription that holds what could not be delivered. */
  readonly deadLetters: pulumi.Output<string>;

  constructor(name: string, args: RequestQueueArgs, opts?: pulumi.ComponentResourceOptions) {
    super("sparklab:orchestration:RequestQueue", name, {}, opts);
    const { topic, deadLetters } = this.declareTopics(name, args, opts);
    this.topic = topic.id;
    this.deadLetters = deadLetters.id;
    const queue = new cloudtasks.Queue(
      name,
      {
        name: args.requestsName,
        location: args.location,
        rateLimits: { maxConcurrentDispatches: 2, maxDispatchesPerSecond: 1 },
        retryConfig: { maxAttempts: ATTEMPTS, minBackoff: "10s", maxBackoff: "300s" },
        desiredState: "RUNNING",
      },
      { parent: this, deleteBeforeReplace: true, dependsOn: opts?.dependsOn },
    );
    this.queue = queue.id;
    for (const [key, grant] of Object.entries(grantEach("roles/cloudtasks.enqueuer", args.requesters))) {
      new cloudtasks.QueueIamMember(
        `${name}-${key}`,
        { name: queue.name, location: args.location, ...grant },
        { parent: this, deleteBeforeReplace: true },
      );
    }
    this.registerOutputs({ topic: this.topic, queue: this.queue, deadLetters: this.deadLetters });
  }

  private declareTopics(name: string, args: RequestQueueArgs, opts?: pulumi.ComponentResourceOptions) {
    const own = { parent: this, deleteBeforeReplace: true };
    const ready = { ...own, dependsOn: opts?.dependsOn };
    const topic = new pubsub.Topic(name, { name: args.requestsName, labels: args.labels }, ready);
    const dead = new pubsub.Topic(`${name}-dead`, { name: args.deadLettersName, labels: args.labels }, ready);
    const deadLetters = new pubsub.Subscription(
      `${name}-dead`,
      { name: args.deadLettersName, topic: dead.id, labels: args.labels, ...KEPT },
      own,
    );
    const push = new pubsub.Subscription(
      name,
      {
        name: args.requestsName,
        topic: topic.id,
        labels: args.labels,
        ...KEPT,
        pushConfig: { pushEndpoint: args.url, oidcToken: { serviceAccountEmail: args.caller, audience: args.url } },
        deadLetterPolicy: { deadLetterTopic: dead.id, maxDeliveryAttempts: ATTEMPTS },
        retryPolicy: { minimumBackoff: "10s", maximumBackoff: "600s" },
      },
      own,
    );
    const publishes = "roles/pubsub.publisher";
    const agent = args.agent;
    new pubsub.TopicIAMMember(`${name}-dead-agent`, { topic: dead.name, role: publishes, member: agent }, own);
    const reads = { subscription: push.name, role: "roles/pubsub.subscriber", member: agent };
    new pubsub.SubscriptionIAMMember(`${name}-agent`, reads, own);
    for (const [key, grant] of Object.entries(grantEach(publishes, args.requesters))) {
      new pubsub.TopicIAMMember(`${name}-${key}`, { topic: topic.name, ...grant }, own);
    }
    return { topic, deadLetters };
  }
}
