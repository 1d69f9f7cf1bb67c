namespace StreamingCnn.Docs.Tests.Architecture;

/// <summary>A project below <c>src</c>.</summary>
/// <param name="Name">Its name and that of its folder.</param>
/// <param name="Assembly">What it is compiled to, without the ending.</param>
/// <param name="Projects">The projects that it may refer to.</param>
/// <param name="Packages">The packages and frameworks that it may refer to.</param>
/// <param name="Rooms">Its rooms.</param>
internal sealed record Project(string Name, string Assembly, string[] Projects, string[] Packages, Room[] Rooms)
{
    private const string Torch = "TorchSharp";
    private const string Engine = "StreamingCnn";
    private const string Images = "StreamingCnn.Imaging";
    private const string Onnx = "StreamingCnn.Onnx";
    private const string Training = "StreamingCnn.Training";
    private const string Web = "Microsoft.AspNetCore.App";

    /// <summary>
    /// All of them, with what each of their rooms may import. The tests hold the code to it, and the picture in docs is drawn from it: who
    /// changes a rule changes it here, and says why.
    /// </summary>
    public static readonly Project[] All =
    [
        new(Engine, Engine, [], [Torch],
        [
            // Integers alone.
            new("Geometry", ["Geometry"], []),
            // What users hand in and get back: data and interfaces at the face that know no room, so that any room may know them; but for
            // the processes that options name, whose room knows none either.
            new(
                "Contracts",
                [
                    "CarryPlace.cs", "ComputePrecision.cs", "IImageSource.cs", "IMapSink.cs", "IPreparedImageSource.cs",
                    "ImageGradientRows.cs", "StepProfile.cs", "StreamingOptions.cs", "TilePlan.cs", "TileProgress.cs",
                ],
                [Torch, "Distributed"]),
            new("Interop", ["Interop"], [Torch, "Geometry"]),
            // Sums over maps know tensors alone: what they are sums for, and which tiles there are, is for those above.
            new("Reductions", ["Reductions"], [Torch, "Interop"]),
            // Messages between processes, over tensors' memory. In the engine, not in a project of its own: it needs no package, since
            // libraries of MPI are found at run time, and an image may be spread over processes by the engine itself.
            new("Distributed", ["Distributed"], [Torch]),
            // Layers that TorchSharp lacks, which know nothing of streaming; models are networks of layers.
            new("Models/Layers", ["Models/Layers"], [Torch, "Interop"]),
            // A network may sum up whole maps.
            new("Graph", ["Graph"], [Torch, "Geometry", "Interop", "Reductions", "Models/Layers"]),
            new("Planning", ["Planning"], ["Geometry", "Graph", "Contracts"]),
            // Processes that share an image send each other what tiles leave at the borders of their stripes.
            new(
                "Execution",
                ["Execution"],
                [Torch, "Geometry", "Interop", "Reductions", "Distributed", "Graph", "Planning", "Contracts"]),
            // Of several processes on a machine each takes a device of its own.
            new("Face", [""], [Torch, "Interop", "Distributed", "Graph", "Execution", "Contracts"]),
            // Gates and poolings are small functions of sums over maps.
            new("Models", ["Models"], [Torch, "Interop", "Reductions", "Models/Layers", "Graph"]),
        ]),
        new(Images, Images, [Engine], ["NetVips", "NetVips.Native", "NetVips.Native.linux-x64", "CsvHelper"],
        [
            new("Values", ["PixelRange.cs", "Generators/PositionNoise.cs"], [Torch]),
            // A file is opened as a source, and a source reads a file.
            new("Files, Sources", ["Files", "Sources"], [Torch, Engine, "NetVips", "Values"]),
            new("Export", ["Export"], [Torch, Engine, "NetVips", "Files, Sources"]),
            // Maps that a network gives, row by row into files; where they lie on the ground is said by the image's file.
            new("Maps", ["Maps"], [Torch, Engine, "Files, Sources"]),
            new("Augmentation", ["Augmentation"], [Torch, Engine, "Values", "Files, Sources"]),
            new("DataSets", ["DataSets"], ["CsvHelper", "Files, Sources"]),
            new("Masks", ["Masks"], [Torch, Engine, "Files, Sources", "Export", "DataSets"]),
            new("Generators", ["Generators"], [Torch, Engine, "Values", "Files, Sources", "Export"]),
            // What a viewer shows: an image looks like its small picture, and over it lie the maps of a network and drawn shapes.
            new("Tiles", ["Tiles"], [Torch, Engine, "NetVips", "Files, Sources", "Export", "Maps", "Masks"]),
        ]),
        new(Onnx, Onnx, [Engine], [],
        [
            // Refusals and damaged files, which every room may say.
            new("Contracts", ["OnnxFileException.cs", "UnsupportedOnnxException.cs", "NodeRefusal.cs"], []),
            // Bytes become tensors without a copy between.
            new("Format", ["Format"], [Torch, Engine, "Contracts"]),
            // Layers of the engine become operators.
            new("Export", ["Export"], [Torch, Engine, "Contracts", "Format"]),
            // Operators become layers of the engine. A layer of many is known again by writing it anew, and comparing.
            new("Import", ["Import"], [Torch, Engine, "Contracts", "Format", "Export"]),
            new("Face", [""], [Torch, Engine, "Contracts", "Format", "Import", "Export"]),
        ]),
        // What a run was trained on may be a network from a file, whose structure goes with the weights.
        new(Training, Training, [Engine, Images, Onnx],
        [
            "CsvHelper",
            "ScottPlot",
            "SkiaSharp",
            "SkiaSharp.HarfBuzz",
            "SkiaSharp.NativeAssets.Linux.NoDependencies",
            "HarfBuzzSharp.NativeAssets.Linux",
        ],
        [
            new(
                "Contracts",
                [
                    "Prediction.cs", "TrainingSample.cs", "EpochResult.cs", "BestEpoch.cs", "TrainingException.cs", "CollectionPause.cs",
                    "FileContent.cs", "LearningRateSearch.cs", "MapFindings.cs",
                ],
                [Engine]),
            // A head is a block that the engine sees into, made of its poolings.
            new("Heads", ["Heads"], [Torch, Engine]),
            // A task names the metrics that suit it; an evaluation knows the task.
            new("Tasks, Metrics", ["Tasks", "Metrics"], [Torch, Engine, "Contracts"]),
            new("Data", ["Data"], [Torch, Engine, Images, "Contracts", "Tasks, Metrics"]),
            // Sums over processes know images' results, not how they come about.
            new("Ranks", ["Ranks"], [Torch, Engine, "Contracts"]),
            new("Trainer", [""], [Torch, Engine, Images, "Contracts", "Heads", "Tasks, Metrics", "Ranks"]),
            // What an exported model makes of pixels is what training made of them; and predictions that a run wrote are read again, to
            // pool those of several.
            new("Runs", ["Runs"], [Torch, Engine, Images, "CsvHelper", Onnx, "Contracts", "Heads", "Tasks, Metrics", "Data", "Trainer"]),
            new("Saliency", ["Saliency"], [Torch, Engine, Images, "NetVips", "Contracts", "Heads", "Trainer"]),
            // A map's files have a picture among them, which looks like those of saliency; objects on a map are judged while it is made.
            new("Maps", ["Maps"], [Torch, Engine, Images, "Contracts", "Tasks, Metrics", "Saliency"]),
            // What a program asks of a run: the model as it was kept, what is told of its outputs, and pictures of why.
            new(
                "Serving",
                ["Serving"],
                [Torch, Engine, Images, "Contracts", "Heads", "Tasks, Metrics", "Data", "Trainer", "Runs", "Saliency", "Maps"]),
            new(
                "Reports",
                ["Reports"],
                [Torch, Engine, Images, "ScottPlot", "SkiaSharp", "Contracts", "Tasks, Metrics", "Trainer", "Saliency"]),
        ]),
        new("StreamingCnn.Cli", "scnn", [Engine, Images, Onnx, Training], [Web, "Spectre.Console", "System.CommandLine"],
        [
            new("Interruption", ["Interruption.cs"], []),
            // The processes that do a command together.
            new("Job", ["Job.cs"], [Torch, Engine]),
            // What names a user's own module is for the library to say that loads it; images that a person names may
            // stand in a table, which a data set reads as well.
            new("Input", ["Input"], [Torch, Engine, Images, Training, "System.CommandLine"]),
            new("Display", ["Display"], [Engine, Training, "Spectre.Console"]),
            // A file of ONNX is compared with another program, whose library may stand among the packages that NuGet has fetched.
            new("Verification", ["Verification"], [Torch, Engine, Onnx, Training]),
            // Its plots are figures like those of a report.
            new("Benchmarking", ["Benchmarking"], [Torch, Engine, Training, "Spectre.Console", "ScottPlot", "Verification"]),
            new("Demo", ["Demo"], [Torch, Engine, Images, Training]),
            // The page of an image, and its server; heat has the colours that other pictures of it have.
            new("Viewing", ["Viewing"], [Engine, Images, Training, Web]),
            // A run keeps the network that its trunk was made of.
            new("Commands", ["Commands"],
            [
                Torch,
                Engine,
                Images,
                Onnx,
                Training,
                "Spectre.Console",
                "System.CommandLine",
                "Interruption",
                "Job",
                "Input",
                "Display",
                "Verification",
                "Benchmarking",
                "Demo",
                "Viewing",
            ]),
            new("Program", [""], [Engine, Images, "System.CommandLine", "Interruption", "Job", "Input", "Commands"]),
        ]),
    ];

    /// <summary>The room that a file stands in.</summary>
    public Room RoomOf(string file) => Rooms.Where(room => room.Claim(file) is not null).MaxBy(room => room.Claim(file))
        ?? throw new InvalidOperationException($"src/{Name}/{file} stands in no room; say in {nameof(Project)} what it may import.");

    /// <inheritdoc/>
    public override string ToString() => Name;
}
