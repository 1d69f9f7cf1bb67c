using System.Runtime.InteropServices;

namespace StreamingCnn.Imaging;

/// <summary>An open slide; closes itself.</summary>
internal sealed class OpenSlideHandle : SafeHandle
{
    /// <summary>What to do where the library is missing.</summary>
    public const string HowToInstall = "Debian and Ubuntu: apt-get install libopenslide0; macOS: brew install openslide";

    private readonly string path;

    private OpenSlideHandle(string path, nint slide)
        : base(nint.Zero, ownsHandle: true)
    {
        this.path = path;
        SetHandle(slide);
    }

    public override bool IsInvalid => handle == nint.Zero;

    /// <summary>The slide for the native functions.</summary>
    public nint Slide => handle;

    /// <exception cref="ImageFormatException">OpenSlide is not installed or does not read the file.</exception>
    public static OpenSlideHandle Open(string path)
    {
        if (!OpenSlideNative.Available)
        {
            throw new ImageFormatException(
                path, $"reading this slide needs OpenSlide, which is not installed; install it ({HowToInstall}).");
        }

        var slide = OpenSlideNative.openslide_open(path);
        if (slide == nint.Zero)
            throw new ImageFormatException(path, "OpenSlide does not know this slide format; convert it to a tiled TIFF.");
        var handle = new OpenSlideHandle(path, slide);
        try
        {
            handle.ThrowOnError();
            return handle;
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    public string? Property(string name) => Marshal.PtrToStringUTF8(OpenSlideNative.openslide_get_property_value(handle, name));

    public void ThrowOnError()
    {
        if (OpenSlideNative.openslide_get_error(handle) is var error && error != nint.Zero)
            throw new ImageFormatException(
                path,
                $"the slide is damaged, so copy or export it again (OpenSlide says: {Marshal.PtrToStringUTF8(error)?.TrimEnd('.')}).");
    }

    protected override bool ReleaseHandle()
    {
        OpenSlideNative.openslide_close(handle);
        return true;
    }
}
