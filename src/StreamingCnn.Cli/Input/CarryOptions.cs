using System.CommandLine;

namespace StreamingCnn.Cli.Input;

/// <summary>Where the carry of a step waits for its backward pass.</summary>
internal sealed class CarryOptions
{
    /// <summary>Which memory.</summary>
    public Option<CarryPlace> Place { get; } = CommonOptions.Choice(
        "--carry", "Where what tiles leave for one another waits for the backward pass; with file, memory hardly grows with the image", CarryPlace.Device);

    /// <summary>The folder of the file.</summary>
    public Option<string?> Folder { get; } = new("--carry-folder") { Description = "Folder for the temporary file of --carry file. Default: the system's temporary folder." };

    /// <summary>The settings with what was asked for.</summary>
    /// <exception cref="ArgumentException">A folder was given for a carry that takes none.</exception>
    public StreamingOptions Apply(ParseResult parsed, StreamingOptions settings)
    {
        var (place, folder) = (parsed.GetValue(Place), parsed.GetValue(Folder));
        return folder is null || place == CarryPlace.File
            ? settings with { Carry = place, CarryFolder = folder }
            : throw new ArgumentException($"--carry-folder {folder} needs --carry file, but the carry is kept on the {place.ToString().ToLowerInvariant()}; add --carry file, or leave out the folder.");
    }
}
