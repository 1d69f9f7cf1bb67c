namespace StreamingCnn.Tests.Architecture;

/// <summary>
/// The engine's folders are its rooms, and each may import those that it is built on: Geometry, Graph, Planning, Execution, and the face in front of
/// them. Nothing knows what stands on its other side.
/// </summary>
public sealed class RoomTests : IDisposable
{
    private const string Face = "the face";
    private const string Contracts = "the contracts";
    private const string Torch = "[TorchSharp]";

    // What users hand in and get back: data and interfaces at the face that know no room, so that any room may know them.
    private static readonly string[] ContractFiles = ["CarryPlace.cs", "ComputePrecision.cs", "IImageSource.cs", "IPreparedImageSource.cs", "ImageGradientRows.cs", "StepProfile.cs", "StreamingOptions.cs", "TilePlan.cs", "TileProgress.cs"];

    // A folder stands for what is in it, unless a folder in it has rules of its own.
    private static readonly Dictionary<string, string[]> MayImport = new()
    {
        ["Geometry"] = [],
        ["Interop"] = [Torch, "Geometry"],
        // Layers that TorchSharp lacks, which know nothing of streaming; models are networks of layers.
        ["Models/Layers"] = [Torch, "Interop"],
        ["Graph"] = [Torch, "Geometry", "Interop", "Models/Layers"],
        [Contracts] = [Torch],
        ["Planning"] = ["Geometry", "Graph", Contracts],
        ["Execution"] = [Torch, "Geometry", "Interop", "Models/Layers", "Graph", "Planning", Contracts],
        [Face] = [Torch, "Geometry", "Interop", "Graph", "Planning", "Execution", Contracts],
        ["Models"] = [Torch, "Models/Layers", "Graph"],
    };

    private readonly AssemblyDependencies engine = new(Path.Combine(AppContext.BaseDirectory, "StreamingCnn.dll"), "src/StreamingCnn");

    [Fact]
    public void A_room_imports_only_those_that_it_is_built_on()
    {
        var violations = engine.All()
            .Where(use => !IsAllowed(use))
            .Select(use => $"{use.File} uses {use.UsedType} of {Room(use.UsedFile)}, but {Room(use.File)} may import {Listed(MayImport[Room(use.File)])} alone.")
            .Order(StringComparer.Ordinal)
            .ToArray();

        Assert.True(violations.Length == 0, string.Join(Environment.NewLine, violations));
    }

    [Fact]
    public void The_whole_engine_was_looked_at()
    {
        var uses = engine.All();

        // Every room is used by another or uses one, through signatures, through method bodies, and through what the compiler makes of iterators.
        Assert.Empty(MayImport.Keys.Except(uses.SelectMany(use => new[] { Room(use.File), Room(use.UsedFile) })));
        Assert.Contains(uses, use => use is { File: "StreamingModule.cs", UsedType: "IImageSource" });
        Assert.Contains(uses, use => use is { File: "Execution/TileForward.cs", UsedType: "AxisPatch" });
        Assert.Contains(uses, use => use is { File: "Planning/CarryPlan.cs", UsedType: "Interval" });
        Assert.Contains(uses, use => use is { File: "Graph/Layers/ConvolutionLayer.cs", UsedFile: Torch });
    }

    public void Dispose() => engine.Dispose();

    private static bool IsAllowed(Dependency use)
    {
        var (user, used) = (Room(use.File), Room(use.UsedFile));
        return user == used || MayImport[user].Contains(used) || IsRuntime(used);
    }

    private static string Listed(string[] rooms) => rooms.Length == 0 ? "the runtime" : string.Join(", ", rooms);

    private static bool IsRuntime(string room) => room.StartsWith("[System", StringComparison.Ordinal) || room.StartsWith("[Microsoft.Win32", StringComparison.Ordinal);

    private static string Room(string file)
    {
        if (file.StartsWith('[') || ContractFiles.Contains(file))
            return file.StartsWith('[') ? file : Contracts;
        for (var folder = file; folder.Contains('/', StringComparison.Ordinal);)
        {
            folder = folder[..folder.LastIndexOf('/')];
            if (MayImport.ContainsKey(folder))
                return folder;
        }

        return file.Contains('/', StringComparison.Ordinal)
            ? throw new InvalidOperationException($"{file} stands in a room that has no rules; say in {nameof(RoomTests)} what it may import.")
            : Face;
    }
}
