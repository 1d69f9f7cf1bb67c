namespace StreamingCnn.Docs.Tests.Architecture;

/// <summary>
/// The folders of a project are its rooms, and each may import those that it is built on. In the engine that is Geometry, Graph, Planning,
/// Execution, and the face in front of them; nothing knows what stands on its other side.
/// </summary>
public class RoomTests
{
    public static TheoryData<string> Projects => [.. Project.All.Select(project => project.Name)];

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_room_imports_only_those_that_it_is_built_on(string name)
    {
        var project = Project.All.Single(project => project.Name == name);
        var violations = Uses(project)
            .Select(use => (Use: use, From: project.RoomOf(use.File), To: Target(project, use.UsedFile)))
            .Where(use => use.From.Name != use.To && !use.From.Imports.Contains(use.To) && !IsRuntime(use.To))
            .Select(use => $"{use.Use.File} uses {use.Use.UsedType} of {use.To}, but {use.From.Name} may import {(use.From.Imports.Length == 0 ? "the runtime" : string.Join(", ", use.From.Imports))} alone.")
            .Order(StringComparer.Ordinal)
            .ToArray();

        Assert.True(violations.Length == 0, string.Join(Environment.NewLine, violations));
    }

    /// <summary>A rule that nobody needs would let in what nobody meant.</summary>
    [Theory]
    [MemberData(nameof(Projects))]
    public void Every_room_is_there_and_every_permission_to_import_another_is_used(string name)
    {
        var project = Project.All.Single(project => project.Name == name);
        var uses = Uses(project).Select(use => (From: project.RoomOf(use.File).Name, To: Target(project, use.UsedFile))).ToHashSet();
        var unused =
            from room in project.Rooms
            from import in room.Imports
            where project.Rooms.Any(other => other.Name == import) && !uses.Contains((room.Name, import))
            select $"{room.Name} does not use {import}.";

        Assert.Empty(unused);
        Assert.Empty(project.Rooms.Select(room => room.Name).Except(uses.SelectMany(use => new[] { use.From, use.To })));
    }

    [Fact]
    public void The_whole_engine_was_looked_at()
    {
        var uses = Uses(Project.All[0]);

        // Through signatures, through method bodies, and through what the compiler makes of iterators.
        Assert.Contains(uses, use => use is { File: "StreamingModule.cs", UsedType: "IImageSource" });
        Assert.Contains(uses, use => use is { File: "Execution/TileForward.cs", UsedType: "AxisPatch" });
        Assert.Contains(uses, use => use is { File: "Planning/CarryPlan.cs", UsedType: "Interval" });
        Assert.Contains(uses, use => use is { File: "Graph/Layers/ConvolutionLayer.cs", UsedFile: "[TorchSharp]" });
    }

    /// <summary>No room stands on itself, not by way of others either.</summary>
    [Theory]
    [MemberData(nameof(Projects))]
    public void Rooms_stand_on_each_other(string name) =>
        Assert.NotEmpty(new RoomLevels(Project.All.Single(project => project.Name == name)).Levels);

    [Fact]
    public void The_picture_is_drawn_from_the_rules() => GeneratedFile.Is("docs/architecture.svg", ArchitecturePicture.Draw());

    private static IReadOnlyCollection<Dependency> Uses(Project project)
    {
        using var assembly = new AssemblyDependencies(
            Path.Combine(AppContext.BaseDirectory, project.Assembly + ".dll"), $"src/{project.Name}");
        return assembly.All();
    }

    /// <summary>A room, or the name of another assembly. Some packages are made of several.</summary>
    private static string Target(Project project, string file) =>
        !file.StartsWith('[')
            ? project.RoomOf(file).Name
            : file.Trim('[', ']') switch
            {
                "Spectre.Console.Ansi" => "Spectre.Console",
                var part when part.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal)
                    || part.StartsWith("Microsoft.Extensions", StringComparison.Ordinal) => "Microsoft.AspNetCore.App",
                var assembly => assembly,
            };

    private static bool IsRuntime(string assembly) =>
        (assembly.StartsWith("System", StringComparison.Ordinal) && assembly != "System.CommandLine")
            || assembly.StartsWith("Microsoft.Win32", StringComparison.Ordinal);
}
