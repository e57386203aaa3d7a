/** What the loopback cloud keeps and answers for, without the work that Google Cloud does behind it. */

/** Resource type to what does not happen here. */
export const RECORDED_ONLY: Readonly<Record<string, string>> = {
  "gcp:workbench/instance:Instance":
    "no machine runs, which its start script needs (root, gcloud); npx sparklab notebook opens the same notebooks",
  "gcp:dataproc/metastoreService:MetastoreService": "no Hive metastore listens; batches use Spark's own catalogue",
  "gcp:artifactregistry/repository:Repository":
    "no image can be pushed to it from outside; npx sparklab image build fills it",
  "gcp:compute/network:Network": "addresses and rules are checked, packets never cross it",
  "gcp:compute/subnetwork:Subnetwork": "its range is checked, no machine has an address in it",
  "gcp:compute/firewall:Firewall": "its rules are checked, no packet meets them",
  "gcp:compute/router:Router": "no packet is routed",
  "gcp:compute/routerNat:RouterNat": "packages come by the machine's own network",
  "gcp:compute/globalAddress:GlobalAddress": "its range is kept free of others, nobody has an address in it",
  "gcp:servicenetworking/connection:Connection": "its ranges are checked, no network is peered",
  "gcp:monitoring/notificationChannel:NotificationChannel":
    "Pub/Sub topics are told of alerts, no mail or other message is sent",
  "gcp:monitoring/dashboard:Dashboard": "kept, not drawn",
  "gcp:billing/budget:Budget": "nothing costs anything here",
  "gcp:projects/service:Service": "listed as on; a service that is off answers calls all the same",
};

/** All other types that can be deployed, each with what does its work here. */
export const AT_WORK: Readonly<Record<string, string>> = {
  "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember": "asked at every call",
  "gcp:bigquery/connection:Connection": "its account reads external tables and runs Spark procedures",
  "gcp:bigquery/connectionIamMember:ConnectionIamMember": "asked at every call",
  "gcp:bigquery/dataset:Dataset": "the BigQuery engine",
  "gcp:bigquery/datasetIamMember:DatasetIamMember": "asked at every call",
  "gcp:bigquery/routine:Routine": "the BigQuery engine, and Spark for procedures of Spark",
  "gcp:bigquery/table:Table": "the BigQuery engine",
  "gcp:cloudfunctionsv2/function:Function": "a process that its first request starts",
  "gcp:cloudrunv2/service:Service": "a process that its first request starts",
  "gcp:cloudrunv2/serviceIamMember:ServiceIamMember": "asked at every request",
  "gcp:cloudscheduler/job:Job": "requests at their times",
  "gcp:cloudtasks/queue:Queue": "requests at the queue's rate",
  "gcp:cloudtasks/queueIamMember:QueueIamMember": "asked at every call",
  "gcp:colab/schedule:Schedule": "pipeline runs at its times",
  "gcp:composer/environment:Environment": "an Airflow that its first use starts",
  "gcp:dataproc/cluster:Cluster": "a Spark history server",
  "gcp:dataproc/metastoreServiceIamMember:MetastoreServiceIamMember": "asked at every call",
  "gcp:dataproc/sessionTemplate:SessionTemplate": "Jupyter sessions are started from it",
  "gcp:logging/metric:Metric": "a time series of the entries that meet it",
  "gcp:logging/projectSink:ProjectSink": "rows of BigQuery, written as the sink's writer",
  "gcp:monitoring/alertPolicy:AlertPolicy": "alerts of the log entries that meet it",
  "gcp:orgpolicy/policy:Policy": "refuses the calls that violate it",
  "gcp:projects/iAMCustomRole:IAMCustomRole": "asked at every call",
  "gcp:projects/iAMMember:IAMMember": "asked at every call",
  "gcp:projects/serviceIdentity:ServiceIdentity": "the account of a service",
  "gcp:pubsub/subscription:Subscription": "messages, pulled or pushed",
  "gcp:pubsub/subscriptionIAMMember:SubscriptionIAMMember": "asked at every call",
  "gcp:pubsub/topic:Topic": "messages",
  "gcp:pubsub/topicIAMMember:TopicIAMMember": "asked at every call",
  "gcp:secretmanager/secret:Secret": "kept values",
  "gcp:secretmanager/secretIamMember:SecretIamMember": "asked at every call",
  "gcp:secretmanager/secretVersion:SecretVersion": "a kept value",
  "gcp:serviceaccount/account:Account": "an identity with tokens and keys",
  "gcp:serviceaccount/iAMMember:IAMMember": "asked at every call",
  "gcp:storage/bucket:Bucket": "objects on disk",
  "gcp:storage/bucketIAMMember:BucketIAMMember": "asked at every call",
  "gcp:storage/bucketObject:BucketObject": "a file on disk",
  "gcp:vertex/aiEndpoint:AiEndpoint": "a process for each deployed model",
  "gcp:vertex/aiEndpointIamMember:AiEndpointIamMember": "asked at every call",
};

/** Those of the deployed types that are only recorded, each with what is missing. */
export function recordedOnly(types: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(RECORDED_ONLY).filter(([type]) => types.includes(type)));
}
