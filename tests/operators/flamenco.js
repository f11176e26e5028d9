// What Flamenco 3 gives to a job type's script, as far as it documents it. It refuses more than
// Flamenco does: wrong types reach a worker there, and fail it.

const COMMANDS = {
    "blender-render": {
        exe: "string", exeArgs: "string", argsBefore: "strings", blendfile: "string",
        args: "strings",
    },
};

function check(sound, message) {
    if (!sound) {
        throw new TypeError(message);
    }
}

function isText(value) {
    return typeof value === "string" && value.trim() !== "";
}

function checkParameter(value, kind, what) {
    if (kind === "string") {
        check(isText(value), `${what} is no text: ${JSON.stringify(value)}`);
    } else {
        check(Array.isArray(value), `${what} is no list: ${JSON.stringify(value)}`);
        for (const one of value) {
            check(typeof one === "string", `${what} has ${JSON.stringify(one)} in it`);
        }
    }
}

class Command {
    constructor(name, parameters) {
        const known = COMMANDS[name];
        check(known, `no worker knows the command ${name}`);
        const given = Object.keys(parameters).sort().join(), wanted = Object.keys(known).sort().join();
        check(given === wanted, `${name} got ${given} instead of ${wanted}`);
        for (const key of Object.keys(known)) {
            checkParameter(parameters[key], known[key], `${name}: ${key}`);
        }
        this.name = name;
        this.parameters = parameters;
    }
}

class Task {
    constructor(name, type) {
        check(isText(name), "author.Task(name, type): name is required");
        check(isText(type), "author.Task(name, type): type is required");
        this.name = name;
        this.type = type;
        this.commands = [];
    }

    addCommand(command) {
        check(command instanceof Command, "addCommand() wants what author.Command() made");
        this.commands.push(command);
    }
}

const author = Object.freeze({
    Task: (name, type) => new Task(name, type),
    Command: (name, parameters) => new Command(name, parameters),
});

const path = Object.freeze({
    basename: (file) => file.split("/").pop(),
    join: (...parts) => parts.join("/").replace(/\/+/g, "/"),
    stem: (file) => path.basename(file).replace(/\.[^.]*$/, ""),
});

function formatTimestampLocal(time) {
    check(time === "the job's time", "formatTimestampLocal() wants job.created");
    return "2026-01-31_235959";
}

function compiled(settings) {
    const tasks = [];
    compileJob({
        created: "the job's time",
        settings: settings,
        addTask: (task) => {
            check(task instanceof Task, "addTask() wants what author.Task() made");
            tasks.push(task);
        },
    });
    return { tasks: tasks, settings: settings };
}
