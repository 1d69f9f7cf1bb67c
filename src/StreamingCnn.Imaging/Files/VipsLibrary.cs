using NetVips;

namespace StreamingCnn.Imaging;

/// <summary>libvips as a library of this process.</summary>
internal static class VipsLibrary
{
    private static readonly Lazy<uint> Silence = new(() => Log.SetLogHandler("VIPS", Enums.LogLevelFlags.Warning, static (_, _, _) => { }));

    /// <summary>
    /// Keeps libvips from writing to the error stream of the program. To be called before each entry into the library. What matters comes
    /// as an error all the same, since files are opened to fail on errors; the rest, such as private tags of a GeoTIFF, concerns nobody.
    /// </summary>
    public static void Quieten() => _ = Silence.Value;
}
