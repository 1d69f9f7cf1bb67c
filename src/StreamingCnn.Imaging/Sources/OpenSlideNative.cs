using System.Runtime.InteropServices;

namespace StreamingCnn.Imaging;

/// <summary>The functions of libopenslide that are used, and where the library is found.</summary>
internal static partial class OpenSlideNative
{
    private const string Library = "openslide";

    private static readonly SystemLibrary Installed;

    // Written out, so that it runs before the first function is called.
    static OpenSlideNative() => Installed = SystemLibrary.Named(
        Library,
        [
            "libopenslide.so.1", "libopenslide.so.0", "libopenslide.1.dylib", "libopenslide.0.dylib", "libopenslide-1.dll", "libopenslide-0.dll",
        ]);

    /// <summary>Whether the library is installed.</summary>
    public static bool Available => Installed.IsAvailable;

    /// <summary>The version, such as <c>3.4.1</c>.</summary>
    public static string Version => Marshal.PtrToStringUTF8(openslide_get_version()) ?? "";

    [LibraryImport(Library)]
    private static partial nint openslide_get_version();

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint openslide_open(string path);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint openslide_detect_vendor(string path);

    [LibraryImport(Library)]
    internal static partial void openslide_close(nint slide);

    [LibraryImport(Library)]
    internal static partial nint openslide_get_error(nint slide);

    [LibraryImport(Library)]
    internal static partial int openslide_get_level_count(nint slide);

    [LibraryImport(Library)]
    internal static partial void openslide_get_level_dimensions(nint slide, int level, out long width, out long height);

    [LibraryImport(Library)]
    internal static partial double openslide_get_level_downsample(nint slide, int level);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint openslide_get_property_value(nint slide, string name);

    [LibraryImport(Library)]
    internal static partial nint openslide_get_associated_image_names(nint slide);

    [LibraryImport(Library)]
    internal static unsafe partial void openslide_read_region(nint slide, uint* target, long x, long y, int level, long width, long height);
}
