using System.Runtime.InteropServices;

namespace StreamingCnn.Imaging;

/// <summary>The functions of GDAL that are used, and where the library is found.</summary>
/// <remarks>
/// Its C interface has kept these functions, and the numbers of types and colours, since version 2. A data set may be used by one thread
/// at a time, several by as many threads as there are.
/// </remarks>
internal static partial class GdalNative
{
    /// <summary>For opening: pixels, read only, and a message where it fails.</summary>
    internal const uint OpenRaster = 0x02 | 0x40;

    /// <summary>The number of a type of samples: unsigned bytes.</summary>
    internal const int Bytes = 1;

    /// <summary>The number of a type of samples: unsigned, 16 bits.</summary>
    internal const int Words = 2;

    /// <summary>The number of a type of samples: floating point of 32 bits.</summary>
    internal const int Floats = 6;

    private const string Library = "gdal";

    // GDAL's own limit is a twentieth of the machine's memory, whoever else needs it. Two rows of tiles of a Sentinel-2 scene are 90 MB.
    private const long BlocksKept = 256L << 20;

    // Each minor version has a number of its own: 26 is 3.0, of 2019; those to come are tried as well.
    private const int NewestVersion = 48;
    private const int OldestVersion = 26;

    private static readonly SystemLibrary Installed;

    private static readonly Lazy<bool> Ready = new(Start);

    // Written out, so that it runs before the first function is called.
    static GdalNative() => Installed = SystemLibrary.Named(Library, [.. Names()]);

    /// <summary>Whether the library is installed; it has its drivers then.</summary>
    public static bool Available => Ready.Value;

    /// <summary>The version, such as <c>3.6.2</c>.</summary>
    public static string Version => Marshal.PtrToStringUTF8(GDALVersionInfo("RELEASE_NAME")) ?? "";

    /// <summary>What went wrong in the last call on this thread, without a full stop; empty where nothing is said.</summary>
    public static string LastError => (Marshal.PtrToStringUTF8(CPLGetLastErrorMsg()) ?? "").ReplaceLineEndings(" ").Trim().TrimEnd('.');

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint GDALGetDriverByName(string name);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint GDALOpenEx(string path, uint flags, string?[] drivers, string?[] options, string?[] siblings);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint GDALCreate(nint driver, string path, int width, int height, int bands, int type, nint options);

    [LibraryImport(Library)]
    internal static partial void GDALClose(nint data);

    [LibraryImport(Library)]
    internal static partial int GDALGetRasterXSize(nint data);

    [LibraryImport(Library)]
    internal static partial int GDALGetRasterYSize(nint data);

    [LibraryImport(Library)]
    internal static partial int GDALGetRasterCount(nint data);

    [LibraryImport(Library)]
    internal static partial nint GDALGetRasterBand(nint data, int number);

    [LibraryImport(Library)]
    internal static partial int GDALGetRasterDataType(nint band);

    [LibraryImport(Library)]
    internal static partial void GDALGetBlockSize(nint band, out int width, out int height);

    [LibraryImport(Library)]
    internal static partial int GDALGetOverviewCount(nint band);

    [LibraryImport(Library)]
    internal static partial nint GDALGetOverview(nint band, int place);

    [LibraryImport(Library)]
    internal static partial nint GDALGetBandDataset(nint band);

    [LibraryImport(Library)]
    internal static partial int GDALGetRasterColorInterpretation(nint band);

    [LibraryImport(Library)]
    internal static partial nint GDALGetColorInterpretationName(int colour);

    [LibraryImport(Library)]
    internal static partial double GDALGetRasterNoDataValue(nint band, out int isDeclared);

    [LibraryImport(Library)]
    internal static partial nint GDALGetRasterColorTable(nint band);

    [LibraryImport(Library)]
    internal static partial int GDALGetColorEntryCount(nint table);

    [LibraryImport(Library)]
    internal static unsafe partial short* GDALGetColorEntry(nint table, int place);

    [LibraryImport(Library)]
    internal static partial nint GDALGetDescription(nint band);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint GDALGetMetadataItem(nint dataOrBand, string name, string? domain);

    [LibraryImport(Library)]
    internal static unsafe partial int GDALDatasetRasterIOEx(
        nint data,
        int write,
        int left,
        int top,
        int width,
        int height,
        void* target,
        int targetWidth,
        int targetHeight,
        int type,
        int bands,
        int* numbers,
        long pixelBytes,
        long lineBytes,
        long bandBytes,
        nint further);

    [LibraryImport(Library)]
    internal static unsafe partial int GDALGetGeoTransform(nint data, double* six);

    [LibraryImport(Library)]
    internal static unsafe partial int GDALSetGeoTransform(nint data, double* six);

    [LibraryImport(Library)]
    internal static partial nint GDALGetProjectionRef(nint data);

    [LibraryImport(Library)]
    internal static partial int GDALSetProjection(nint data, nint system);

    [LibraryImport(Library)]
    internal static partial int GDALGetGCPCount(nint data);

    [LibraryImport(Library)]
    internal static partial nint GDALGetGCPs(nint data);

    [LibraryImport(Library)]
    internal static partial nint GDALGetGCPProjection(nint data);

    [LibraryImport(Library)]
    internal static partial int GDALSetGCPs(nint data, int count, nint points, nint system);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static unsafe partial byte* VSIGetMemFileBuffer(string path, out ulong length, int isTaken);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int VSIUnlink(string path);

    [LibraryImport(Library)]
    internal static partial void CPLErrorReset();

    [LibraryImport(Library)]
    private static partial void GDALAllRegister();

    [LibraryImport(Library)]
    private static partial void GDALSetCacheMax64(long bytes);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint GDALVersionInfo(string what);

    [LibraryImport(Library)]
    private static partial nint CPLGetLastErrorMsg();

    [LibraryImport(Library)]
    private static partial nint CPLSetErrorHandler(nint handler);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial void CPLSetConfigOption(string name, string value);

    private static bool Start()
    {
        if (!Installed.IsAvailable)
            return false;
        // Its messages become exceptions here; threads that it decodes with would write theirs to the error stream of the program.
        CPLSetErrorHandler(Installed.Function("CPLQuietErrorHandler"));
        // What other programs have left beside a file is not read, as of no other format.
        CPLSetConfigOption("GDAL_PAM_ENABLED", "NO");
        GDALAllRegister();
        if (Environment.GetEnvironmentVariable("GDAL_CACHEMAX") is null)
            GDALSetCacheMax64(BlocksKept);
        return true;
    }

    private static IEnumerable<string> Names()
    {
        if (OperatingSystem.IsWindows())
            yield return "gdal.dll";
        if (OperatingSystem.IsMacOS())
            yield return "libgdal.dylib";
        for (var version = NewestVersion; version >= OldestVersion; version--)
        {
            yield return OperatingSystem.IsWindows() ? $"gdal{version + 274}.dll"
                : OperatingSystem.IsMacOS() ? $"libgdal.{version}.dylib" : $"libgdal.so.{version}";
        }

        if (OperatingSystem.IsLinux())
            yield return "libgdal.so";
    }
}
