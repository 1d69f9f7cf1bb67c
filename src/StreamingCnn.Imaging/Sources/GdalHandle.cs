using System.Runtime.InteropServices;

namespace StreamingCnn.Imaging;

/// <summary>A JPEG 2000 file that GDAL has opened; closes itself. For one thread at a time.</summary>
internal sealed class GdalHandle : SafeHandle
{
    /// <summary>What to do where the library is missing.</summary>
    public const string HowToInstall =
        "Debian and Ubuntu: apt-get install gdal-bin; macOS: brew install gdal; conda: conda install -c conda-forge libgdal-jp2openjpeg";

    // The one driver that all packages of GDAL have or offer.
    private const string Driver = "JP2OpenJPEG";

    private readonly string path;

    private GdalHandle(string path, nint data)
        : base(nint.Zero, ownsHandle: true)
    {
        this.path = path;
        SetHandle(data);
    }

    public override bool IsInvalid => handle == nint.Zero;

    /// <summary>The data set for the native functions.</summary>
    public nint Data => handle;

    /// <summary>The first band.</summary>
    public nint FirstBand => GdalNative.GDALGetRasterBand(handle, 1);

    /// <exception cref="ImageFormatException">GDAL is not installed, has no driver for JPEG 2000, or does not read the file.</exception>
    public static GdalHandle Open(string path)
    {
        if (!GdalNative.Available)
        {
            throw new ImageFormatException(
                path, $"reading a JPEG 2000 image needs GDAL, which is not installed; install it ({HowToInstall}).");
        }

        if (GdalNative.GDALGetDriverByName(Driver) == nint.Zero)
        {
            throw new ImageFormatException(
                path,
                $"reading a JPEG 2000 image needs GDAL's driver JP2OpenJPEG, which the installed GDAL {GdalNative.Version} lacks; install one that has it ({HowToInstall}).");
        }

        // Told that nothing lies beside the file, GDAL opens no other: what is read stands in the file itself, as of a TIFF.
        var full = Path.GetFullPath(path);
        GdalNative.CPLErrorReset();
        var data = GdalNative.GDALOpenEx(
            full,
            GdalNative.OpenRaster,
            [Driver, null],
            ["GEOREF_SOURCES=INTERNAL", "1BIT_ALPHA_PROMOTION=NO", null],
            [Path.GetFileName(full), null]);
        return data == nint.Zero ? throw Damaged(path) : new GdalHandle(path, data);
    }

    /// <summary>The data set of a level: itself, or one of its overviews.</summary>
    public nint Level(int level) =>
        level == 0 ? handle : GdalNative.GDALGetBandDataset(GdalNative.GDALGetOverview(FirstBand, level - 1));

    /// <summary>An entry of the metadata of the image or of a band; null where there is none.</summary>
    public static string? Entry(nint dataOrBand, string name, string? domain = null) =>
        Marshal.PtrToStringUTF8(GdalNative.GDALGetMetadataItem(dataOrBand, name, domain));

    /// <summary>Throws where a call has failed.</summary>
    /// <param name="failure">What it gave: 0 and warnings are none, 3 and more are.</param>
    public void ThrowOnError(int failure)
    {
        const int Failure = 3;
        if (failure >= Failure)
            throw Damaged(path);
    }

    protected override bool ReleaseHandle()
    {
        GdalNative.GDALClose(handle);
        return true;
    }

    private static ImageFormatException Damaged(string path)
    {
        var said = GdalNative.LastError;
        return new(path, $"the image is damaged or cut short, so copy or export it again (GDAL says: {(said.Length > 0 ? said : "nothing")}).");
    }
}
