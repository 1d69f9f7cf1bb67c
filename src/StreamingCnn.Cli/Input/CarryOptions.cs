using System.CommandLine;

namespace StreamingCnn.Cli.Input;

/// <summary>Where the carry of a step waits for its backward pass, and maps for the stages that read them.</summary>
internal sealed class CarryOptions
{
    /// <summary>Which memory.</summary>
    public Option<CarryPlace> Place { get; } = CommonOptions.Choice(
        "--carry",
        "Where what tiles leave for one another waits for the backward pass; with file, memory hardly grows with the image",
        CarryPlace.Device);

    /// <summary>Where maps wait between stages.</summary>
    public Option<CarryPlace?> Maps { get; } = CommonOptions.OptionalChoice<CarryPlace>(
        "--maps",
        "Where maps wait for the next sweep over the image, in networks that look at whole maps (norms of batches, groups or images; gates)",
        "Default: on the device where they fit into the memory budget, otherwise in a file.");

    /// <summary>The folder of the files.</summary>
    public Option<string?> Folder { get; } = new("--carry-folder")
    {
        Description = "Folder for the temporary files of --carry file and --maps file. Default: the system's temporary folder.",
    };

    /// <summary>All of them.</summary>
    public IReadOnlyList<Option> All => [Place, Maps, Folder];

    /// <summary>The settings with what was asked for.</summary>
    /// <exception cref="ArgumentException">A folder was given for a carry that takes none.</exception>
    public StreamingOptions Apply(ParseResult parsed, StreamingOptions settings)
    {
        var (place, maps, folder) = (parsed.GetValue(Place), parsed.GetValue(Maps), parsed.GetValue(Folder));
        return folder is null || place == CarryPlace.File || maps == CarryPlace.File
            ? settings with { Carry = place, BoundaryMaps = maps, CarryFolder = folder }
            : throw new ArgumentException($"--carry-folder {folder} needs --carry file or --maps file, but the carry is kept on the {place.ToString().ToLowerInvariant()}; add one of them, or leave out the folder.");
    }
}
