"""CloudFormation for what the executors batch and glue need: printed, never created from here.

A bucket for results, a queue over EC2 instances that scale to nothing, and roles that may do what
their part takes and no more. Pure.
"""

import base64
from typing import Any, Final

from cellgraph_executors.fsx import FileSystem, user_data

Template = dict[str, Any]

# What a session asks of Batch (the names of its actions) beside reading the store.
_BATCH_READS: Final = ("DescribeJobs", "ListJobs", "DescribeJobDefinitions", "DescribeJobQueues")
_BATCH_ENDS: Final = ("CancelJob", "TerminateJob", "TagResource")

_GLUE: Final = "glue.amazonaws.com"
_GLUE_ACTIONS: Final = (
    "CreateJob GetJob TagResource StartJobRun GetJobRun GetJobRuns BatchStopJobRun".split()
)
_SCHEDULER: Final = "scheduler.amazonaws.com"
_SCHEDULES: Final = [f"scheduler:{verb}Schedule" for verb in ("Create", "Delete", "Get", "Update")]


def template(system: FileSystem | None = None) -> Template:
    """Return the template. With *system* instances mount it. Raises ConfigError as `user_data`."""
    resources = {
        **_storage(),
        **_roles(),
        **_compute(system),
        **_people(),
    }
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Cellgraph: a store in S3 and a queue of AWS Batch",
        "Parameters": {
            "Vpc": {"Type": "AWS::EC2::VPC::Id", "Description": "Network of the instances"},
            "Subnets": {
                "Type": "List<AWS::EC2::Subnet::Id>",
                "Description": "With a way to S3, ECR and Batch (NAT or endpoints)",
            },
            "MaxVcpus": {"Type": "Number", "Default": 256, "MinValue": 1},
            "Purchase": {
                "Type": "String",
                "Default": "SPOT",
                "AllowedValues": ["SPOT", "EC2"],
                "Description": "SPOT: cheaper, and calls that lose their host are run again",
            },
        },
        "Conditions": {"Spot": {"Fn::Equals": [_ref("Purchase"), "SPOT"]}},
        "Resources": resources,
        "Outputs": {
            "Store": {"Value": {"Fn::Sub": "s3://${Bucket}/cellgraph"}},
            "Queue": {"Value": _ref("Queue")},
            "JobRole": {"Value": _arn("JobRole")},
            "ExecutionRole": {"Value": _arn("ExecutionRole")},
            "GlueRole": {"Value": _arn("GlueRole")},
            "HeadRole": {"Value": _arn("HeadRole")},
            "SchedulerRole": {"Value": _arn("SchedulerRole")},
            "PolicyOfUsers": {"Value": _ref("UserPolicy")},
        },
    }


def _ref(name: str) -> dict[str, str]:
    return {"Ref": name}


def _arn(name: str) -> dict[str, list[str]]:
    return {"Fn::GetAtt": [name, "Arn"]}


def _sub(text: str) -> dict[str, str]:
    return {"Fn::Sub": text}


def _storage() -> Template:
    return {
        "Bucket": {
            "Type": "AWS::S3::Bucket",
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": {
                "BucketEncryption": {
                    "ServerSideEncryptionConfiguration": [
                        {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
                    ]
                },
                "PublicAccessBlockConfiguration": dict.fromkeys(
                    (
                        "BlockPublicAcls",
                        "BlockPublicPolicy",
                        "IgnorePublicAcls",
                        "RestrictPublicBuckets",
                    ),
                    True,
                ),
                "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
                "LifecycleConfiguration": {
                    "Rules": [
                        {
                            "Id": "unfinished-uploads",
                            "Status": "Enabled",
                            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
                        }
                    ]
                },
            },
        }
    }


def _statement(actions: list[str], resource: object, **more: object) -> Template:
    return {"Effect": "Allow", "Action": actions, "Resource": resource, **more}


def _policy(*statements: Template) -> Template:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _trust(service: str) -> Template:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": service},
                "Action": "sts:AssumeRole",
            }
        ],
    }


def _store_access() -> list[Template]:
    """What reading and writing the store takes: its own prefix, nothing beside it."""
    return [
        _statement(
            ["s3:ListBucket"],
            _arn("Bucket"),
            Condition={"StringLike": {"s3:prefix": ["cellgraph", "cellgraph/*"]}},
        ),
        _statement(
            ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
            _sub("${Bucket.Arn}/cellgraph/*"),
        ),
    ]


def _role(service: str, **properties: object) -> Template:
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": _trust(service), **properties},
    }


def _submitting() -> Template:
    """Submitting jobs of Cellgraph to this queue."""
    region = "arn:${AWS::Partition}:batch:${AWS::Region}:${AWS::AccountId}:"
    return _statement(
        ["batch:SubmitJob"], [_ref("Queue"), _sub(region + "job-definition/cellgraph-*")]
    )


def _sending() -> list[Template]:
    """What a reducer asks of Batch, a person's or one that is a job: send, watch and end jobs."""
    region = "arn:${AWS::Partition}:batch:${AWS::Region}:${AWS::AccountId}:"
    definitions, jobs = _sub(region + "job-definition/cellgraph-*"), _sub(region + "job/*")
    return [
        _submitting(),
        _statement(["batch:RegisterJobDefinition"], definitions),
        _statement([f"batch:{name}" for name in _BATCH_READS], "*"),
        _statement([f"batch:{name}" for name in _BATCH_ENDS], [jobs, definitions]),
        _passing(["JobRole", "ExecutionRole"], "ecs-tasks.amazonaws.com"),
    ]


def _passing(roles: list[str], service: str) -> Template:
    return _statement(
        ["iam:PassRole"],
        [_arn(role) for role in roles],
        Condition={"StringEquals": {"iam:PassedToService": service}},
    )


def _roles() -> Template:
    tasks = "ecs-tasks.amazonaws.com"
    managed = "arn:${AWS::Partition}:iam::aws:policy/service-role/"
    return {
        "JobRole": _role(
            tasks,
            Policies=[{"PolicyName": "store", "PolicyDocument": _policy(*_store_access())}],
        ),
        "HeadRole": _role(
            tasks,
            Policies=[
                {"PolicyName": "store", "PolicyDocument": _policy(*_store_access())},
                {"PolicyName": "jobs", "PolicyDocument": _policy(*_sending(), *_glue())},
            ],
        ),
        "ExecutionRole": _role(
            tasks, ManagedPolicyArns=[_sub(managed + "AmazonECSTaskExecutionRolePolicy")]
        ),
        "SchedulerRole": _role(
            _SCHEDULER,
            Policies=[{"PolicyName": "submit", "PolicyDocument": _policy(_submitting())}],
        ),
        "GlueRole": _role(
            _GLUE,
            Policies=[
                {"PolicyName": "store", "PolicyDocument": _policy(*_store_access(), *_glue_logs())}
            ],
        ),
        "InstanceRole": _role(
            "ec2.amazonaws.com",
            ManagedPolicyArns=[_sub(managed + "AmazonEC2ContainerServiceforEC2Role")],
        ),
        "InstanceProfile": {
            "Type": "AWS::IAM::InstanceProfile",
            "Properties": {"Roles": [_ref("InstanceRole")]},
        },
    }


def _glue_logs() -> list[Template]:
    """What a Glue run takes to write its logs."""
    group = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:/aws-glue/"
    return [
        _statement(
            ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], _sub(group + "*")
        )
    ]


def _glue() -> list[Template]:
    """What a session asks of Glue: its own job definitions, and their runs."""
    job = _sub("arn:${AWS::Partition}:glue:${AWS::Region}:${AWS::AccountId}:job/cellgraph-*")
    return [
        _statement([f"glue:{name}" for name in _GLUE_ACTIONS], job),
        _statement(["glue:ListJobs"], "*"),
        _passing(["GlueRole"], _GLUE),
    ]


def _compute(system: FileSystem | None) -> Template:
    made: Template = {
        "SecurityGroup": {
            "Type": "AWS::EC2::SecurityGroup",
            "Properties": {
                "GroupDescription": "Cellgraph jobs: nothing comes in",
                "VpcId": _ref("Vpc"),
            },
        },
        "ComputeEnvironment": {
            "Type": "AWS::Batch::ComputeEnvironment",
            "Properties": {
                "Type": "MANAGED",
                "State": "ENABLED",
                "ReplaceComputeEnvironment": False,
                "ComputeResources": {
                    "Type": _ref("Purchase"),
                    "AllocationStrategy": {
                        "Fn::If": [
                            "Spot",
                            "SPOT_PRICE_CAPACITY_OPTIMIZED",
                            "BEST_FIT_PROGRESSIVE",
                        ]
                    },
                    "MinvCpus": 0,
                    "MaxvCpus": _ref("MaxVcpus"),
                    "InstanceTypes": ["optimal"],
                    "InstanceRole": _arn("InstanceProfile"),
                    "SecurityGroupIds": [{"Fn::GetAtt": ["SecurityGroup", "GroupId"]}],
                    "Subnets": _ref("Subnets"),
                    "UpdateToLatestImageVersion": True,
                },
            },
        },
        "Queue": {
            "Type": "AWS::Batch::JobQueue",
            "Properties": {
                "Priority": 1,
                "State": "ENABLED",
                "ComputeEnvironmentOrder": [
                    {"Order": 1, "ComputeEnvironment": _ref("ComputeEnvironment")}
                ],
            },
        },
    }
    if system is not None:
        made |= _mounting(system)
        resources = made["ComputeEnvironment"]["Properties"]["ComputeResources"]
        resources["LaunchTemplate"] = {
            "LaunchTemplateId": _ref("LaunchTemplate"),
            "Version": {"Fn::GetAtt": ["LaunchTemplate", "LatestVersionNumber"]},
        }
    return made


def _mounting(system: FileSystem) -> Template:
    script = base64.b64encode(user_data(system).encode()).decode()
    ports: Template = {
        f"LustreFrom{first}": {
            "Type": "AWS::EC2::SecurityGroupIngress",
            "Properties": {
                "GroupId": {"Fn::GetAtt": ["SecurityGroup", "GroupId"]},
                "SourceSecurityGroupId": {"Fn::GetAtt": ["SecurityGroup", "GroupId"]},
                "IpProtocol": "tcp",
                "FromPort": first,
                "ToPort": last,
                "Description": "FSx for Lustre; give the file system this group too",
            },
        }
        for first, last in ((988, 988), (1018, 1023))
    }
    return {
        "LaunchTemplate": {
            "Type": "AWS::EC2::LaunchTemplate",
            "Properties": {"LaunchTemplateData": {"UserData": script}},
        },
        **ports,
    }


def _people() -> Template:
    """For those who start runs: submit to this queue, watch, end, and read the logs."""
    logs = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:/"
    schedules = "arn:${AWS::Partition}:scheduler:${AWS::Region}:${AWS::AccountId}:"
    return {
        "UserPolicy": {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {
                "Description": "Submitting and watching jobs of Cellgraph",
                "PolicyDocument": _policy(
                    *_sending(),
                    *_glue(),
                    _statement(
                        ["logs:GetLogEvents"],
                        [
                            _sub(logs + f"{group}:*")
                            for group in ("aws/batch/job", "aws-glue/jobs/*")
                        ],
                    ),
                    _passing(["HeadRole"], "ecs-tasks.amazonaws.com"),
                    _statement(_SCHEDULES, _sub(schedules + "schedule/default/*")),
                    _statement(["scheduler:ListSchedules"], "*"),
                    _passing(["SchedulerRole"], _SCHEDULER),
                    *_store_access(),
                ),
            },
        }
    }
