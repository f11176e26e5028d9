// SPDX-License-Identifier: GPL-3.0-or-later

// A job type for Flamenco 3: every object in the style of every picture, one task for each pair.
// It goes into the folder `scripts` beside the Flamenco Manager; docs/farm.md tells the rest.

const JOB_TYPE = {
    label: "3D Style Transfer",
    description: "Paint objects in the style of pictures: a texture for each object and picture",
    settings: [
        // What is painted.
        { key: "objects", type: "string", required: true,
          eval: "'; '.join(o.name for o in C.selected_objects if o.type == 'MESH')",
          evalInfo: { showLinkButton: true, description: "The selected meshes" },
          description: "Names of the mesh objects to paint, with ; between them" },
        { key: "style_folder", type: "string", subtype: "dir_path", required: true,
          visible: "submission",
          description: "The folder with the style pictures, where all workers can read it" },
        { key: "styles", type: "string", required: true,
          eval: "'; '.join(sorted(p.name for p in abspath(settings.style_folder).iterdir() "
              + "if p.suffix.lower() in "
              + "('.png', '.jpg', '.jpeg', '.webp', '.bmp', '.tif', '.tiff'))) "
              + "if settings.style_folder else ''",
          evalInfo: { showLinkButton: true, description: "All pictures in the style folder" },
          description: "Names of the pictures in the style folder, with ; between them" },

        // How. The rest comes from the scene's settings in the .blend file.
        { key: "preset", type: "string", required: true, default: "STANDARD",
          choices: ["DRAFT", "STANDARD", "HIGH"],
          description: "How fine the strokes get and how long it takes" },
        { key: "style_weight", type: "float", required: true, default: 1.0,
          propargs: { min: 0, max: 1000000 },
          description: "More of the picture's strokes and colors" },
        { key: "content_weight", type: "float", required: true, default: 0.2,
          propargs: { min: 0, max: 1000000 },
          description: "More of the object's present look" },
        { key: "texture_size", type: "int32", required: true, default: 1024,
          propargs: { min: 64, max: 8192 },
          description: "Width and height of each texture" },
        { key: "seed", type: "int32", required: true, default: 0,
          propargs: { min: 0, max: 2147483647 },
          description: "Another number lays the strokes differently" },
        { key: "device", type: "string", required: true, default: "AUTO",
          choices: ["AUTO", "CPU", "CUDA"],
          description: "What computes on the workers" },

        // Where to.
        { key: "output_root", type: "string", subtype: "dir_path", required: true,
          visible: "submission",
          description: "The folder for the textures; the job's name and time are added to it" },
        { key: "add_path_components", type: "int32", required: true, default: 0,
          propargs: { min: 0, max: 32 }, visible: "submission",
          description: "How many folders of the blend file's path are added to it besides" },
        { key: "output_path", type: "string", subtype: "dir_path", editable: false,
          eval: "str(Path(abspath(settings.output_root), "
              + "last_n_dir_parts(settings.add_path_components), jobname, '{timestamp}'))",
          description: "Where the textures go" },

        // Found by Flamenco itself.
        { key: "style_path", type: "string", subtype: "dir_path", required: true, visible: "web",
          eval: "str(abspath(settings.style_folder))",
          description: "The style folder's whole path" },
        { key: "blendfile", type: "string", required: true, visible: "web",
          description: "The .blend file with the objects" },
    ]
};

// Blender refuses to write where there is no folder. The path stays an argument of its own, for
// Flamenco translates only arguments that begin with a path of another platform.
const MAKE_FOLDER = "import os, sys; "
    + "os.makedirs(os.path.dirname(sys.argv[sys.argv.index('--output') + 1]), exist_ok=True)";

function compileJob(job) {
    const settings = job.settings;
    const objects = listed(settings, "objects");
    const styles = listed(settings, "styles");
    settings.output_path = outputPath(job);  // what the job's page shows, then

    const taken = {};
    for (const object of objects) {
        for (const style of styles) {
            const name = unusedName(`${fileName(object)}_${fileName(path.stem(style))}`, taken);
            job.addTask(paintTask(settings, object, style, path.join(settings.output_path, name)));
        }
    }
}

function paintTask(settings, object, style, target) {
    const task = author.Task(`${object} in the style of ${style}`, "blender");
    task.addCommand(author.Command("blender-render", {
        exe: "{blender}",
        exeArgs: "{blenderArgs}",
        argsBefore: [],
        blendfile: settings.blendfile,
        args: [
            "--python-expr", MAKE_FOLDER,
            "--command", "style_transfer_3d",
            `--object=${object}`,  // in one piece, for a name may begin with a dash
            "--style", path.join(settings.style_path, style),
            "--preset", settings.preset,
            "--style-weight", String(settings.style_weight),
            "--content-weight", String(settings.content_weight),
            "--texture-size", String(settings.texture_size),
            "--seed", String(settings.seed),
            "--device", settings.device,
            "--output", `${target}.png`,
            "--report", `${target}.json`,
        ],
    }));
    return task;
}

// The names in a setting, each once.
function listed(settings, key) {
    const names = (settings[key] || "").split(";").map((name) => name.trim());
    const found = names.filter((name, i) => name && names.indexOf(name) === i);
    if (!found.length) {
        throw new Error(`Setting ${key} is empty: name at least one, with ; between them`);
    }
    return found;
}

function outputPath(job) {
    if (!job.settings.output_path) {
        throw new Error("Setting output_path is empty: choose the folder output_root");
    }
    return job.settings.output_path.replace("{timestamp}", formatTimestampLocal(job.created));
}

// `name` without what some platform does not take in a file's name.
function fileName(name) {
    return name.replace(/[\\/:*?"<>|{}\x00-\x1f]/g, "_");
}

// `name`, with a number where another task writes to it already, on any platform.
function unusedName(name, taken) {
    let unused = name;
    for (let number = 2; taken[unused.toLowerCase()]; number++) {
        unused = `${name}_${number}`;
    }
    taken[unused.toLowerCase()] = true;
    return unused;
}
